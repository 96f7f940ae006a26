-- Calendars that hosts connect: what blocks them is read into busy_event, and appointments are written to them.

CREATE TABLE calendar_connection (
    company_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    user_id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('google', 'outlook', 'caldav', 'icloud', 'ics')),
    account text NOT NULL,
    email text NOT NULL,
    is_primary boolean NOT NULL DEFAULT false,
    validate_availability boolean NOT NULL DEFAULT true,
    unanswered_is_busy boolean NOT NULL DEFAULT true,
    cancel_if_declined_or_deleted boolean NOT NULL DEFAULT false,
    disable_attendee_notification boolean NOT NULL DEFAULT false,
    sync_buffers_to_calendar boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id)
);
COMMENT ON COLUMN calendar_connection.account IS 'who it is at the provider; one live connection of each to a user';
COMMENT ON COLUMN calendar_connection.is_primary IS 'appointments are written to its primary calendar';
COMMENT ON COLUMN calendar_connection.validate_availability IS 'its selected calendars block';
CREATE UNIQUE INDEX calendar_connection_account
    ON calendar_connection (company_id, user_id, provider, account) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX calendar_connection_primary
    ON calendar_connection (company_id, user_id) WHERE is_primary AND deleted_at IS NULL;

-- What changes as a connection is used stands apart from what calendars are asked of (editions).
CREATE TABLE calendar_access (
    company_id uuid NOT NULL,
    connection_id uuid PRIMARY KEY,
    credential bytea NOT NULL,
    status text NOT NULL DEFAULT 'connected' CHECK (status IN ('connected', 'refused')),
    synced_at timestamptz,
    used_at timestamptz,
    due_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    error text,
    told_at timestamptz,
    FOREIGN KEY (company_id, connection_id) REFERENCES calendar_connection (company_id, id)
);
COMMENT ON COLUMN calendar_access.credential IS 'sealed JSON';
COMMENT ON COLUMN calendar_access.synced_at IS 'what is known of its calendars that block is no older than this';
COMMENT ON COLUMN calendar_access.used_at IS 'when slots of the host were asked for; polled more often for a while';
CREATE INDEX calendar_access_due ON calendar_access (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE calendar (
    company_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    connection_id uuid NOT NULL,
    remote_id text NOT NULL,
    name text NOT NULL,
    color text,
    zone text,
    is_default boolean NOT NULL,
    writable boolean NOT NULL,
    selected boolean NOT NULL,
    is_primary boolean NOT NULL DEFAULT false,
    treat_all_as_busy boolean NOT NULL DEFAULT false,
    PRIMARY KEY (company_id, id),
    UNIQUE (connection_id, remote_id),
    FOREIGN KEY (company_id, connection_id) REFERENCES calendar_connection (company_id, id)
);
COMMENT ON COLUMN calendar.selected IS 'it blocks, where its connection validates availability';
COMMENT ON COLUMN calendar.is_primary IS 'the one of its connection that appointments are written to';
CREATE UNIQUE INDEX calendar_primary ON calendar (connection_id) WHERE is_primary;

-- Where the reading of a calendar goes on, and who tells us of changes.
CREATE TABLE calendar_reading (
    company_id uuid NOT NULL,
    calendar_id uuid PRIMARY KEY,
    sync_token text,
    window_start timestamptz,
    window_end timestamptz,
    synced_at timestamptz,
    reader uuid,
    emptied_at timestamptz,
    channel_id text UNIQUE,
    channel_secret_hash bytea,
    channel_resource text,
    channel_expires_at timestamptz,
    channel_renew_at timestamptz,
    FOREIGN KEY (company_id, calendar_id) REFERENCES calendar (company_id, id) ON DELETE CASCADE
);
COMMENT ON COLUMN calendar_reading.reader IS 'who stored something last; others that were reading meanwhile store nothing';
COMMENT ON COLUMN calendar_reading.emptied_at IS 'when our entries seemed to vanish all at once; not believed at first';

-- Every event known of a calendar that is read: its busy time below, or that it is one of ours.
CREATE TABLE calendar_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL,
    calendar_id uuid NOT NULL,
    remote_id text NOT NULL,
    uid text,
    etag text,
    appointment_id uuid,
    unreadable text,
    told uuid[] NOT NULL DEFAULT '{}',
    UNIQUE (calendar_id, remote_id),
    FOREIGN KEY (company_id, calendar_id) REFERENCES calendar (company_id, id) ON DELETE CASCADE
);
COMMENT ON COLUMN calendar_event.told IS 'appointments it disagrees with, as the host was told';
COMMENT ON COLUMN calendar_event.unreadable IS 'why not all of it could be read, so that it may block wrongly';
CREATE INDEX calendar_event_unreadable ON calendar_event (calendar_id) WHERE unreadable IS NOT NULL;
CREATE INDEX calendar_event_uid ON calendar_event (company_id, uid);

CREATE TABLE busy_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL,
    event_id bigint NOT NULL REFERENCES calendar_event (id) ON DELETE CASCADE,
    calendar_no bigint NOT NULL,
    host_no bigint NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    CHECK (start_at < end_at),
    CONSTRAINT busy_event_length CHECK (end_at - start_at <= interval '192 hours')
);
COMMENT ON CONSTRAINT busy_event_length ON busy_event IS 'longer ones are cut, as no claim is longer (claim_length)';
CREATE INDEX busy_event_host_span ON busy_event (host_no, end_at, start_at) INCLUDE (calendar_no);
CREATE INDEX busy_event_event ON busy_event (event_id);

-- As editions (0004) say whether what was read of a company is still right, these say it of a host's busy events: a
-- listing of somebody whose calendars are full would else read them each time.
CREATE TABLE busy_edition (
    company_id uuid NOT NULL,
    host_no bigint PRIMARY KEY,
    edition uuid NOT NULL
);
COMMENT ON TABLE busy_edition IS 'New in every transaction that changes busy events of the host; none: he never had any';

CREATE FUNCTION busy_edition_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO busy_edition (company_id, host_no, edition)
    SELECT company_id, host_no, gen_random_uuid()
    FROM (SELECT DISTINCT company_id, host_no FROM changed ORDER BY host_no) one
    ON CONFLICT (host_no) DO UPDATE SET edition = excluded.edition;
    RETURN NULL;
END
$$;
CREATE TRIGGER busy_edition_inserted AFTER INSERT ON busy_event
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION busy_edition_begins();
CREATE TRIGGER busy_edition_updated_from AFTER UPDATE ON busy_event
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION busy_edition_begins();
CREATE TRIGGER busy_edition_updated_to AFTER UPDATE ON busy_event
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION busy_edition_begins();
CREATE TRIGGER busy_edition_deleted AFTER DELETE ON busy_event
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION busy_edition_begins();

-- What we wrote to whose calendar, and as what.
CREATE TABLE calendar_entry (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    user_id uuid NOT NULL,
    part text NOT NULL CHECK (part IN ('event', 'buffer-before', 'buffer-after')),
    connection_id uuid NOT NULL,
    calendar_id uuid NOT NULL,
    uid text NOT NULL,
    remote_id text NOT NULL,
    etag text,
    revision integer NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, appointment_id, user_id, part),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id),
    FOREIGN KEY (company_id, connection_id) REFERENCES calendar_connection (company_id, id)
);
CREATE INDEX calendar_entry_remote ON calendar_entry (calendar_id, remote_id);

-- A host's calendar that is still to follow an appointment; gone once it does.
CREATE TABLE calendar_write (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    user_id uuid NOT NULL,
    revision integer NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    error text,
    begun_in uuid,
    PRIMARY KEY (company_id, appointment_id, user_id),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id)
);
COMMENT ON COLUMN calendar_write.begun_in IS 'a calendar where a first entry may stand whose writing was answered to nobody';
CREATE INDEX calendar_write_due ON calendar_write (due_at) WHERE due_at IS NOT NULL;

-- Where an appointment is met online: a link somebody has to make after the booking.
CREATE TABLE conference (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    channel text NOT NULL,
    state text NOT NULL CHECK (state IN ('wanted', 'made', 'given-up', 'deleted')),
    link text,
    remote_id text,
    number bigint,
    revision integer NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    error text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, appointment_id),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id)
);
CREATE INDEX conference_due ON conference (due_at) WHERE due_at IS NOT NULL;

-- Somebody on his way to a provider's page, for ten minutes and once.
CREATE TABLE calendar_authorization (
    state_hash bytea PRIMARY KEY,
    company_id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    verifier bytea NOT NULL,
    redirect_url text,
    set_as_calendar_sync boolean NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id)
);
CREATE INDEX calendar_authorization_expires ON calendar_authorization (expires_at);

ALTER TABLE attendee ADD COLUMN answer text
    CHECK (answer IN ('accepted', 'declined', 'tentative', 'needs-action'));
COMMENT ON COLUMN attendee.answer IS 'PARTSTAT as the host''s calendar shows it; NULL: nothing else than by booking';

-- Events of a connection: calendar_connected, conflict, credential_error.
ALTER TABLE event ADD COLUMN connection_id uuid;
CREATE UNIQUE INDEX event_connection ON event (company_id, connection_id, revision) WHERE connection_id IS NOT NULL;
ALTER TABLE event DROP CONSTRAINT event_subject;
ALTER TABLE event ADD CONSTRAINT event_subject
    CHECK (num_nonnulls(appointment_id, provisional_id, connection_id) = 1);
ALTER TABLE effect DROP CONSTRAINT effect_kind_check;
ALTER TABLE effect ADD CONSTRAINT effect_kind_check CHECK (kind IN ('mail', 'provisional-mail', 'calendar-mail'));

DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY['calendar_connection', 'calendar'] LOOP
        EXECUTE 'CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR UPDATE OR DELETE '
            || 'ON ' || quote_ident(named)
            || ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION edition_begins()';
        EXECUTE 'CREATE TRIGGER edition_ends AFTER INSERT OR UPDATE OR DELETE '
            || 'ON ' || quote_ident(named) || ' FOR EACH STATEMENT EXECUTE FUNCTION edition_ends()';
    END LOOP;
END
$$;
