-- Editions: what calendars are asked of rarely changes, so a process keeps what it read of it. A company's edition is
-- a new random value in every transaction that changes any of that; what was read with the edition of today is exact.

CREATE TABLE edition (
    company_id uuid PRIMARY KEY REFERENCES company (id),
    edition uuid NOT NULL
);
COMMENT ON TABLE edition IS 'New in every transaction that changes a table whose triggers are called edition_begins';

INSERT INTO edition (company_id, edition) SELECT id, gen_random_uuid() FROM company;

-- Runs at COMMIT, so that the company's one row is locked after everything else and for no longer than that takes.
CREATE FUNCTION edition_begins() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed uuid;
BEGIN
    IF TG_TABLE_NAME = 'company' THEN
        changed := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        changed := OLD.company_id;
    ELSE
        changed := NEW.company_id;
    END IF;
    -- Once a transaction: a setting that is local is forgotten with it.
    IF current_setting('kalends.edition_of', true) IS DISTINCT FROM changed::text THEN
        INSERT INTO edition (company_id, edition) VALUES (changed, gen_random_uuid())
        ON CONFLICT (company_id) DO UPDATE SET edition = excluded.edition;
        PERFORM set_config('kalends.edition_of', changed::text, true);
    END IF;
    RETURN NULL;
END
$$;

-- Runs at once: until its COMMIT a transaction sees its own changes, of which the edition it sees says nothing.
CREATE FUNCTION edition_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('kalends.edition_ended', 'yes', true);
    RETURN NULL;
END
$$;

DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'availability', 'availability_exception', 'company', 'meeting_type', 'queue', 'queue_group_user',
        'queue_user', 'queue_user_group', 'resource_unit', 'user_account'
    ] LOOP
        EXECUTE 'CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR UPDATE '
            || CASE named WHEN 'company' THEN '' ELSE 'OR DELETE ' END
            || 'ON ' || quote_ident(named)
            || ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION edition_begins()';
        EXECUTE 'CREATE TRIGGER edition_ends AFTER INSERT OR UPDATE OR DELETE '
            || 'ON ' || quote_ident(named) || ' FOR EACH STATEMENT EXECUTE FUNCTION edition_ends()';
    END LOOP;
END
$$;
