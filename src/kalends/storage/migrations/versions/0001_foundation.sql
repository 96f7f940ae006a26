-- Rows of a company carry company_id; keys between them are composite, so no row can point into another company.
-- Ids that leave us are UUIDv7 made by storage/ids.py; host_no, event and job numbers stay inside.

CREATE TABLE company (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    language text NOT NULL DEFAULT 'en',
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- One row, taken by the first company of a fresh install: two first runs at once make one (case C17).
CREATE TABLE founding (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    company_id uuid NOT NULL REFERENCES company
);

-- What must be unique everywhere, also when companies are spread over several databases.
CREATE TABLE directory (
    kind text NOT NULL CHECK (kind IN ('slug', 'credential')),
    name text NOT NULL,
    company_id uuid NOT NULL REFERENCES company,
    target_id uuid NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX directory_target ON directory (company_id, target_id);

CREATE TABLE user_account (
    company_id uuid NOT NULL REFERENCES company,
    id uuid NOT NULL UNIQUE,
    host_no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    email text NOT NULL,
    given_name text NOT NULL,
    family_name text NOT NULL,
    slug text NOT NULL,
    title text,
    is_admin boolean NOT NULL DEFAULT false,
    is_owner boolean NOT NULL DEFAULT false,
    timezone text NOT NULL,
    language text NOT NULL DEFAULT 'en',
    user_type text NOT NULL DEFAULT 'standard' CHECK (user_type IN ('standard', 'resource', 'api-platform', 'partner')),
    picture text,
    phone_number text,
    booking_limits jsonb NOT NULL DEFAULT '{}',
    personal_page jsonb NOT NULL DEFAULT '{}',
    default_availability_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (company_id, id)
);
CREATE UNIQUE INDEX user_account_email ON user_account (company_id, lower(email)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX user_account_owner ON user_account (company_id) WHERE is_owner;

-- The SHA-256 of its secret stands in directory only.
CREATE TABLE credential (
    company_id uuid NOT NULL REFERENCES company,
    id uuid NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('key', 'token')),
    user_id uuid,
    name text,
    scopes text[] NOT NULL DEFAULT '{}',
    expires_at timestamptz,
    deactivated_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id),
    CHECK (kind = 'key' OR user_id IS NOT NULL),
    CHECK (kind = 'token' OR expires_at IS NOT NULL)
);
CREATE UNIQUE INDEX credential_token_name ON credential (company_id, user_id, name) WHERE kind = 'token' AND revoked_at IS NULL;

-- Token buckets of credentials and client addresses; lost at a crash, which only refills them. No index but the key,
-- and room in the pages: every request updates a row, in place (HOT).
CREATE UNLOGGED TABLE bucket (
    name text PRIMARY KEY,
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE availability (
    company_id uuid NOT NULL REFERENCES company,
    id uuid NOT NULL UNIQUE,
    user_id uuid NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    schedule jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id)
);
CREATE INDEX availability_user ON availability (company_id, user_id) WHERE deleted_at IS NULL;
ALTER TABLE user_account ADD FOREIGN KEY (company_id, default_availability_id) REFERENCES availability (company_id, id);

-- starts/ends as the caller wrote them (contract 6.6); earliest/latest bound them in whatever zone they are read.
CREATE TABLE availability_exception (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    owner_type text NOT NULL CHECK (owner_type IN ('availability', 'user', 'company')),
    owner_id uuid NOT NULL,
    available boolean NOT NULL,
    starts text NOT NULL,
    ends text NOT NULL,
    earliest timestamptz NOT NULL,
    latest timestamptz NOT NULL,
    title text,
    note text,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CHECK (earliest <= latest)
);
CREATE INDEX availability_exception_owner ON availability_exception (company_id, owner_id, latest) WHERE deleted_at IS NULL;

CREATE TABLE meeting_type (
    company_id uuid NOT NULL REFERENCES company,
    id uuid NOT NULL UNIQUE,
    user_id uuid NOT NULL,
    availability_id uuid,
    slug text NOT NULL,
    meeting_info jsonb NOT NULL,
    meeting_options jsonb NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    spots integer NOT NULL DEFAULT 1 CHECK (spots BETWEEN 1 AND 100),
    timeslot_interval integer CHECK (timeslot_interval BETWEEN 5 AND 60),
    booking_minimum integer NOT NULL DEFAULT 60 CHECK (booking_minimum >= 0),
    days_into_future jsonb NOT NULL,
    booking_limits jsonb NOT NULL DEFAULT '{}',
    locations jsonb NOT NULL DEFAULT '[]',
    ics jsonb,
    internal_notes text,
    metadata jsonb NOT NULL DEFAULT '{}',
    is_global_queue boolean NOT NULL DEFAULT false,
    resource_channel_ids jsonb NOT NULL DEFAULT '[]',
    created_by_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id),
    FOREIGN KEY (company_id, availability_id) REFERENCES availability (company_id, id)
);
CREATE UNIQUE INDEX meeting_type_slug ON meeting_type (company_id, user_id, slug) WHERE deleted_at IS NULL;

-- The newest state of an appointment; what it was before stands in event.
CREATE TABLE appointment (
    company_id uuid NOT NULL REFERENCES company,
    id uuid NOT NULL UNIQUE,
    meeting_type_id uuid NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    sequence integer NOT NULL DEFAULT 0,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    meeting_info jsonb NOT NULL,
    channel text NOT NULL,
    location text,
    ics_title text,
    ics_description text,
    note text,
    transcription text,
    summary text,
    skip_notifications boolean NOT NULL DEFAULT false,
    ignored_availability boolean NOT NULL DEFAULT false,
    rescheduled_at timestamptz,
    reschedule_count integer NOT NULL DEFAULT 0,
    cancelled_at timestamptz,
    cancel_source text,
    cancelled_by text,
    cancel_reason text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, meeting_type_id) REFERENCES meeting_type (company_id, id),
    CHECK (start_at < end_at)
);
CREATE INDEX appointment_created ON appointment (company_id, created_at, id);
CREATE INDEX appointment_type_start ON appointment (company_id, meeting_type_id, start_at) WHERE cancelled_at IS NULL;

-- position 0 is the main host. start_at and live repeat the appointment's, for lists and caps of one host.
CREATE TABLE appointment_host (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    user_id uuid NOT NULL,
    position integer NOT NULL,
    start_at timestamptz NOT NULL,
    live boolean NOT NULL DEFAULT true,
    PRIMARY KEY (company_id, appointment_id, user_id),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id)
);
CREATE INDEX appointment_host_user ON appointment_host (company_id, user_id, start_at, appointment_id);
CREATE INDEX appointment_host_live ON appointment_host (company_id, user_id, start_at) WHERE live;

-- position 0 booked; bring-along guests follow. secret opens this attendee's own view (design section 6).
CREATE TABLE attendee (
    company_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    appointment_id uuid NOT NULL,
    position integer NOT NULL,
    email text,
    first_name text,
    last_name text,
    full_name text NOT NULL,
    phone text,
    timezone text,
    language text,
    notes jsonb NOT NULL DEFAULT '{}',
    receive_reminders boolean NOT NULL DEFAULT true,
    data_policy_accepted boolean,
    brought_along boolean NOT NULL DEFAULT false,
    secret text NOT NULL,
    cancelled_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id),
    UNIQUE (company_id, appointment_id, position)
);

-- Taken time of one host, padding included. The constraint is the last word on double bookings (design section 4);
-- int8range because the embedded server has no btree_gist.
CREATE TABLE claim (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL,
    host_no bigint NOT NULL REFERENCES user_account (host_no),
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    exclusive boolean NOT NULL DEFAULT true,
    appointment_id uuid NOT NULL,
    expires_at timestamptz,
    CHECK (start_at < end_at),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id),
    CONSTRAINT claim_no_overlap EXCLUDE USING gist (
        int8range(host_no, host_no, '[]') WITH &&, tstzrange(start_at, end_at) WITH &&
    ) WHERE (exclusive)
);
CREATE INDEX claim_host_span ON claim (host_no, end_at, start_at) INCLUDE (appointment_id, expires_at);
CREATE INDEX claim_appointment ON claim (company_id, appointment_id);
CREATE INDEX claim_end ON claim (end_at);
CREATE INDEX claim_expires ON claim (expires_at) WHERE expires_at IS NOT NULL;

-- Audit trail and change feed; the revision's snapshots are what mails compare. actor.client is the address a guest
-- came from (personal data: kept here only, for the limit of mails, and never answered).
CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL,
    kind text NOT NULL,
    appointment_id uuid NOT NULL,
    revision integer NOT NULL,
    actor jsonb NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (company_id, appointment_id, revision),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id)
);

-- What an event brings about, once per target; target is a user id or an attendee id for mails.
-- due_at: put off until then; a periodic job turns due rows into jobs.
CREATE TABLE effect (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL,
    event_id bigint NOT NULL REFERENCES event,
    kind text NOT NULL CHECK (kind IN ('mail')),
    target uuid NOT NULL,
    done_at timestamptz,
    outcome text CHECK (outcome IN ('sent', 'nothing-new', 'refused', 'given-up')),
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    UNIQUE (event_id, kind, target)
);
CREATE INDEX effect_due ON effect (due_at) WHERE due_at IS NOT NULL;

-- The revision each recipient was last told of (design section 5).
CREATE TABLE told (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (company_id, appointment_id, recipient_id),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id)
);

-- Mails of the last hour to guests, for the hourly limits; lost at a crash. Each counts for its receiver's address and
-- for the client that brought it about, so it may have two rows; counted_for is a SHA-256.
CREATE UNLOGGED TABLE guest_mail (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    counted_for bytea NOT NULL,
    sent_at timestamptz NOT NULL
);
CREATE INDEX guest_mail_counted_for ON guest_mail (counted_for, sent_at);
CREATE INDEX guest_mail_sent_at ON guest_mail (sent_at);

-- A page's form may be sent twice; the second time shows what the first one booked.
CREATE TABLE form_nonce (
    nonce uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    appointment_id uuid,
    secret text,
    created_at timestamptz NOT NULL
);
CREATE INDEX form_nonce_created ON form_nonce (created_at);
