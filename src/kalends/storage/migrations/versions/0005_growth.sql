-- The longest appointment with its buffers is far shorter. Whoever looks for the claims of a window need not look at all
-- that come later, however many there are.
ALTER TABLE claim ADD CONSTRAINT claim_length CHECK (end_at - start_at <= interval '192 hours');

-- How many bookings that stand each member of a queue had, as a sum of small rows: a choice adds one row, a cancellation
-- one of -1, and a periodic job folds them. Nobody waits for anybody else's row, and no booking counts the whole ledger.
-- Only the trigger writes here, from rows whose keys are checked.
CREATE TABLE queue_turns (
    company_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    member_id uuid NOT NULL,
    turns bigint NOT NULL
);
CREATE INDEX queue_turns_queue ON queue_turns (company_id, queue_id) INCLUDE (member_id, turns);

-- A choice stands when it counts for good; one made for a reservation counts while that lives, and is read from the ledger.
CREATE FUNCTION queue_choice_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND old.live AND old.expires_at IS NULL THEN
        INSERT INTO queue_turns VALUES (old.company_id, old.queue_id, old.member_id, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND new.live AND new.expires_at IS NULL THEN
        INSERT INTO queue_turns VALUES (new.company_id, new.queue_id, new.member_id, 1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER queue_choice_counted AFTER INSERT OR DELETE OR UPDATE OF live, expires_at, member_id, queue_id
    ON queue_choice FOR EACH ROW EXECUTE FUNCTION queue_choice_counted();

INSERT INTO queue_turns
SELECT company_id, queue_id, member_id, count(*) FROM queue_choice WHERE live AND expires_at IS NULL GROUP BY 1, 2, 3;

-- One index for who was chosen when, one for a period of starts, one for the few that may still expire.
DROP INDEX queue_choice_live;
CREATE INDEX queue_choice_chosen ON queue_choice (company_id, queue_id, member_id, created_at DESC)
    INCLUDE (expires_at) WHERE live;
CREATE INDEX queue_choice_start ON queue_choice (company_id, queue_id, start_at)
    INCLUDE (member_id, expires_at, created_at, reservation_id) WHERE live;
CREATE INDEX queue_choice_pending ON queue_choice (company_id, queue_id, expires_at)
    INCLUDE (member_id) WHERE live AND expires_at IS NOT NULL;
