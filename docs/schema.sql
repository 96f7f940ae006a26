-- The schema of kalends as its migrations leave it, without the tables of the job queue.
-- Written by `kalends schema`; `make check` compares.

CREATE FUNCTION public.busy_edition_begins() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO busy_edition (company_id, host_no, edition)
    SELECT company_id, host_no, gen_random_uuid()
    FROM (SELECT DISTINCT company_id, host_no FROM changed ORDER BY host_no) one
    ON CONFLICT (host_no) DO UPDATE SET edition = excluded.edition;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.edition_begins() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.edition_ends() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('kalends.edition_ended', 'yes', true);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.queue_choice_counted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.appointment (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    meeting_type_id uuid NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    sequence integer DEFAULT 0 NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    meeting_info jsonb NOT NULL,
    channel text NOT NULL,
    location text,
    ics_title text,
    ics_description text,
    note text,
    transcription text,
    summary text,
    skip_notifications boolean DEFAULT false NOT NULL,
    ignored_availability boolean DEFAULT false NOT NULL,
    rescheduled_at timestamp with time zone,
    reschedule_count integer DEFAULT 0 NOT NULL,
    cancelled_at timestamp with time zone,
    cancel_source text,
    cancelled_by text,
    cancel_reason text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    series_id uuid,
    queue_id uuid,
    resources jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT appointment_check CHECK ((start_at < end_at))
);

CREATE TABLE public.appointment_host (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    user_id uuid NOT NULL,
    "position" integer NOT NULL,
    start_at timestamp with time zone NOT NULL,
    live boolean DEFAULT true NOT NULL
);

CREATE TABLE public.attendee (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    "position" integer NOT NULL,
    email text,
    first_name text,
    last_name text,
    full_name text NOT NULL,
    phone text,
    timezone text,
    language text,
    notes jsonb DEFAULT '{}'::jsonb NOT NULL,
    receive_reminders boolean DEFAULT true NOT NULL,
    data_policy_accepted boolean,
    brought_along boolean DEFAULT false NOT NULL,
    secret text NOT NULL,
    cancelled_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    brought_by uuid,
    series_id uuid,
    answer text,
    CONSTRAINT attendee_answer_check CHECK ((answer = ANY (ARRAY['accepted'::text, 'declined'::text, 'tentative'::text, 'needs-action'::text])))
);

COMMENT ON COLUMN public.attendee.answer IS 'PARTSTAT as the host''s calendar shows it; NULL: nothing else than by booking';

CREATE TABLE public.availability (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    timezone text NOT NULL,
    schedule jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone
);

CREATE TABLE public.availability_exception (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    owner_type text NOT NULL,
    owner_id uuid NOT NULL,
    available boolean NOT NULL,
    starts text NOT NULL,
    ends text NOT NULL,
    earliest timestamp with time zone NOT NULL,
    latest timestamp with time zone NOT NULL,
    title text,
    note text,
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT availability_exception_check CHECK ((earliest <= latest)),
    CONSTRAINT availability_exception_owner_type_check CHECK ((owner_type = ANY (ARRAY['availability'::text, 'user'::text, 'company'::text])))
);

ALTER TABLE public.availability_exception ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.availability_exception_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE UNLOGGED TABLE public.bucket (
    name text NOT NULL,
    tokens double precision NOT NULL,
    filled_at timestamp with time zone NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE public.busy_edition (
    company_id uuid NOT NULL,
    host_no bigint NOT NULL,
    edition uuid NOT NULL
);

COMMENT ON TABLE public.busy_edition IS 'New in every transaction that changes busy events of the host; none: he never had any';

CREATE TABLE public.busy_event (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    event_id bigint NOT NULL,
    calendar_no bigint NOT NULL,
    host_no bigint NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    CONSTRAINT busy_event_check CHECK ((start_at < end_at)),
    CONSTRAINT busy_event_length CHECK (((end_at - start_at) <= '192:00:00'::interval))
);

COMMENT ON CONSTRAINT busy_event_length ON public.busy_event IS 'longer ones are cut, as no claim is longer (claim_length)';

ALTER TABLE public.busy_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.busy_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.calendar (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    no bigint NOT NULL,
    connection_id uuid CONSTRAINT calendar_connection_id_not_null1 NOT NULL,
    remote_id text NOT NULL,
    name text NOT NULL,
    color text,
    zone text,
    is_default boolean NOT NULL,
    writable boolean NOT NULL,
    selected boolean NOT NULL,
    is_primary boolean DEFAULT false NOT NULL,
    treat_all_as_busy boolean DEFAULT false NOT NULL
);

COMMENT ON COLUMN public.calendar.selected IS 'it blocks, where its connection validates availability';

COMMENT ON COLUMN public.calendar.is_primary IS 'the one of its connection that appointments are written to';

CREATE TABLE public.calendar_access (
    company_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    credential bytea NOT NULL,
    status text DEFAULT 'connected'::text NOT NULL,
    synced_at timestamp with time zone,
    used_at timestamp with time zone,
    due_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    error text,
    told_at timestamp with time zone,
    CONSTRAINT calendar_access_status_check CHECK ((status = ANY (ARRAY['connected'::text, 'refused'::text])))
);

COMMENT ON COLUMN public.calendar_access.credential IS 'sealed JSON';

COMMENT ON COLUMN public.calendar_access.synced_at IS 'what is known of its calendars that block is no older than this';

COMMENT ON COLUMN public.calendar_access.used_at IS 'when slots of the host were asked for; polled more often for a while';

CREATE TABLE public.calendar_authorization (
    state_hash bytea NOT NULL,
    company_id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    verifier bytea NOT NULL,
    redirect_url text,
    set_as_calendar_sync boolean NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.calendar_connection (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    email text NOT NULL,
    is_primary boolean DEFAULT false NOT NULL,
    validate_availability boolean DEFAULT true NOT NULL,
    unanswered_is_busy boolean DEFAULT true NOT NULL,
    cancel_if_declined_or_deleted boolean DEFAULT false NOT NULL,
    disable_attendee_notification boolean DEFAULT false NOT NULL,
    sync_buffers_to_calendar boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT calendar_connection_provider_check CHECK ((provider = ANY (ARRAY['google'::text, 'outlook'::text, 'caldav'::text, 'icloud'::text, 'ics'::text])))
);

COMMENT ON COLUMN public.calendar_connection.account IS 'who it is at the provider; one live connection of each to a user';

COMMENT ON COLUMN public.calendar_connection.is_primary IS 'appointments are written to its primary calendar';

COMMENT ON COLUMN public.calendar_connection.validate_availability IS 'its selected calendars block';

CREATE TABLE public.calendar_entry (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    user_id uuid NOT NULL,
    part text NOT NULL,
    connection_id uuid NOT NULL,
    calendar_id uuid NOT NULL,
    uid text NOT NULL,
    remote_id text NOT NULL,
    etag text,
    revision integer NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    written_at timestamp with time zone NOT NULL,
    tried timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    leaving boolean DEFAULT false NOT NULL,
    CONSTRAINT calendar_entry_part_check CHECK ((part = ANY (ARRAY['event'::text, 'buffer-before'::text, 'buffer-after'::text])))
);

COMMENT ON COLUMN public.calendar_entry.tried IS 'starts and ends that writing was begun with and not answered since';

COMMENT ON COLUMN public.calendar_entry.leaving IS 'its deletion was begun and not answered';

CREATE TABLE public.calendar_event (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    calendar_id uuid NOT NULL,
    remote_id text NOT NULL,
    uid text,
    etag text,
    appointment_id uuid,
    unreadable text,
    told uuid[] DEFAULT '{}'::uuid[] NOT NULL
);

COMMENT ON COLUMN public.calendar_event.unreadable IS 'why not all of it could be read, so that it may block wrongly';

COMMENT ON COLUMN public.calendar_event.told IS 'appointments it disagrees with, as the host was told';

ALTER TABLE public.calendar_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.calendar_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.calendar ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.calendar_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.calendar_reading (
    company_id uuid NOT NULL,
    calendar_id uuid NOT NULL,
    sync_token text,
    window_start timestamp with time zone,
    window_end timestamp with time zone,
    synced_at timestamp with time zone,
    reader uuid,
    emptied_at timestamp with time zone,
    channel_id text,
    channel_secret_hash bytea,
    channel_resource text,
    channel_expires_at timestamp with time zone,
    channel_renew_at timestamp with time zone
);

COMMENT ON COLUMN public.calendar_reading.reader IS 'who stored something last; others that were reading meanwhile store nothing';

COMMENT ON COLUMN public.calendar_reading.emptied_at IS 'when our entries seemed to vanish all at once; not believed at first';

CREATE TABLE public.calendar_write (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    user_id uuid NOT NULL,
    revision integer NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    error text,
    begun_in uuid
);

COMMENT ON COLUMN public.calendar_write.begun_in IS 'a calendar where a first entry may stand whose writing was answered to nobody';

CREATE TABLE public.claim (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    host_no bigint NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    exclusive boolean DEFAULT true NOT NULL,
    appointment_id uuid,
    expires_at timestamp with time zone,
    reservation_id uuid,
    CONSTRAINT claim_check CHECK ((start_at < end_at)),
    CONSTRAINT claim_length CHECK (((end_at - start_at) <= '192:00:00'::interval)),
    CONSTRAINT claim_owner CHECK (((num_nonnulls(appointment_id, reservation_id) = 1) AND ((reservation_id IS NULL) = (expires_at IS NULL))))
);

ALTER TABLE public.claim ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.claim_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.company (
    id uuid NOT NULL,
    name text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.conference (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    link text,
    remote_id text,
    number bigint,
    revision integer NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    error text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT conference_state_check CHECK ((state = ANY (ARRAY['wanted'::text, 'made'::text, 'given-up'::text, 'deleted'::text])))
);

CREATE TABLE public.credential (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    user_id uuid,
    name text,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    expires_at timestamp with time zone,
    deactivated_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT credential_check CHECK (((kind = 'key'::text) OR (user_id IS NOT NULL))),
    CONSTRAINT credential_check1 CHECK (((kind = 'token'::text) OR (expires_at IS NOT NULL))),
    CONSTRAINT credential_kind_check CHECK ((kind = ANY (ARRAY['key'::text, 'token'::text])))
);

CREATE TABLE public.directory (
    kind text NOT NULL,
    name text NOT NULL,
    company_id uuid NOT NULL,
    target_id uuid NOT NULL,
    CONSTRAINT directory_kind_check CHECK ((kind = ANY (ARRAY['slug'::text, 'credential'::text])))
);

CREATE TABLE public.edition (
    company_id uuid NOT NULL,
    edition uuid NOT NULL
);

COMMENT ON TABLE public.edition IS 'New in every transaction that changes a table whose triggers are called edition_begins';

CREATE TABLE public.effect (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    event_id bigint NOT NULL,
    kind text NOT NULL,
    target uuid NOT NULL,
    done_at timestamp with time zone,
    outcome text,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    lead_id bigint,
    CONSTRAINT effect_kind_check CHECK ((kind = ANY (ARRAY['mail'::text, 'provisional-mail'::text, 'calendar-mail'::text]))),
    CONSTRAINT effect_outcome_check CHECK ((outcome = ANY (ARRAY['sent'::text, 'nothing-new'::text, 'refused'::text, 'given-up'::text])))
);

ALTER TABLE public.effect ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.effect_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    kind text NOT NULL,
    appointment_id uuid,
    revision integer NOT NULL,
    actor jsonb NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    provisional_id uuid,
    "position" bigint,
    batch_id uuid,
    connection_id uuid,
    CONSTRAINT event_subject CHECK ((num_nonnulls(appointment_id, provisional_id, connection_id) = 1))
);

ALTER TABLE public.event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.form_nonce (
    nonce uuid NOT NULL,
    company_id uuid NOT NULL,
    appointment_id uuid,
    secret text,
    created_at timestamp with time zone NOT NULL,
    provisional_id uuid
);

CREATE TABLE public.founding (
    only_one boolean DEFAULT true NOT NULL,
    company_id uuid NOT NULL,
    CONSTRAINT founding_only_one_check CHECK (only_one)
);

CREATE UNLOGGED TABLE public.guest_mail (
    id bigint NOT NULL,
    counted_for bytea NOT NULL,
    sent_at timestamp with time zone NOT NULL
);

ALTER TABLE public.guest_mail ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.guest_mail_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.idempotency_key (
    scope text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    answer bytea,
    company_id uuid,
    subject_id uuid,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.meeting_type (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    availability_id uuid,
    slug text NOT NULL,
    meeting_info jsonb NOT NULL,
    meeting_options jsonb DEFAULT '{}'::jsonb NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    spots integer DEFAULT 1 NOT NULL,
    timeslot_interval integer,
    booking_minimum integer DEFAULT 60 NOT NULL,
    days_into_future jsonb NOT NULL,
    booking_limits jsonb DEFAULT '{}'::jsonb NOT NULL,
    locations jsonb DEFAULT '[]'::jsonb NOT NULL,
    ics jsonb,
    internal_notes text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_global_queue boolean DEFAULT false NOT NULL,
    created_by_id uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    resource_channels jsonb DEFAULT '[]'::jsonb NOT NULL,
    questions jsonb DEFAULT '[]'::jsonb NOT NULL,
    queue_id uuid,
    CONSTRAINT meeting_type_booking_minimum_check CHECK ((booking_minimum >= 0)),
    CONSTRAINT meeting_type_spots_check CHECK (((spots >= 1) AND (spots <= 100))),
    CONSTRAINT meeting_type_timeslot_interval_check CHECK (((timeslot_interval >= 5) AND (timeslot_interval <= 60)))
);

CREATE TABLE public.one_time_link (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    meeting_type_id uuid NOT NULL,
    created_by_id uuid,
    appointment_id uuid,
    provisional_id uuid,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.pending_attendee (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    email text,
    first_name text,
    last_name text,
    full_name text,
    phone text,
    language text,
    timezone text,
    notes jsonb DEFAULT '{}'::jsonb NOT NULL,
    bringalong_emails jsonb DEFAULT '[]'::jsonb NOT NULL,
    receive_reminders boolean DEFAULT true NOT NULL,
    data_policy_accepted boolean,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone
);

ALTER TABLE public.pending_attendee ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.pending_attendee_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.provisional_booking (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    meeting_type_id uuid NOT NULL,
    type text NOT NULL,
    then_host boolean DEFAULT false NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    dto jsonb NOT NULL,
    host_ids uuid[] NOT NULL,
    selection jsonb,
    start_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    proved_at timestamp with time zone,
    client text,
    guest_secret text NOT NULL,
    host_secret text NOT NULL,
    actor jsonb NOT NULL,
    reason text,
    appointment_id uuid,
    attendee_id uuid,
    expired_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT provisional_booking_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'confirmed'::text, 'declined_by_host'::text]))),
    CONSTRAINT provisional_booking_type_check CHECK ((type = ANY (ARRAY['doubleOptIn'::text, 'requireHostConfirmation'::text])))
);

CREATE TABLE public.queue (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    meeting_type_id uuid NOT NULL,
    type text DEFAULT 'simpleRoundRobin'::text NOT NULL,
    max_lead_threshold integer,
    distribution_period text DEFAULT 'month'::text NOT NULL,
    prioritize_near_term boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT queue_distribution_period_check CHECK ((distribution_period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text]))),
    CONSTRAINT queue_max_lead_threshold_check CHECK ((max_lead_threshold >= 1)),
    CONSTRAINT queue_type_check CHECK ((type = ANY (ARRAY['simpleRoundRobin'::text, 'advancedRoundRobin'::text, 'equalDistribution'::text])))
);

CREATE TABLE public.queue_choice (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    member_id uuid NOT NULL,
    user_ids uuid[] NOT NULL,
    start_at timestamp with time zone NOT NULL,
    strategy text NOT NULL,
    reason text NOT NULL,
    candidates jsonb NOT NULL,
    appointment_id uuid,
    reservation_id uuid,
    live boolean DEFAULT true NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE public.queue_choice ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.queue_choice_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.queue_group_user (
    company_id uuid NOT NULL,
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    "position" integer NOT NULL
);

CREATE TABLE public.queue_turns (
    company_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    member_id uuid NOT NULL,
    turns bigint NOT NULL
);

CREATE TABLE public.queue_user (
    company_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    user_id uuid NOT NULL,
    "position" integer NOT NULL,
    capacity integer DEFAULT 1 NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    custom_link text,
    fixed boolean DEFAULT false NOT NULL,
    baseline double precision DEFAULT 0 NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    CONSTRAINT queue_user_capacity_check CHECK ((capacity >= 1))
);

CREATE TABLE public.queue_user_group (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    queue_id uuid NOT NULL,
    name text NOT NULL,
    "position" integer NOT NULL,
    capacity integer DEFAULT 1 NOT NULL,
    main_group_host_id uuid,
    baseline double precision DEFAULT 0 NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT queue_user_group_capacity_check CHECK ((capacity >= 1))
);

CREATE TABLE public.quick_mail (
    id bigint NOT NULL,
    company_id uuid NOT NULL,
    attendee_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    outcome text,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    CONSTRAINT quick_mail_outcome_check CHECK ((outcome = ANY (ARRAY['sent'::text, 'refused'::text, 'given-up'::text])))
);

ALTER TABLE public.quick_mail ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.quick_mail_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.reservation (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    provisional_id uuid,
    meeting_type_id uuid NOT NULL,
    host_ids uuid[] NOT NULL,
    resources jsonb DEFAULT '[]'::jsonb NOT NULL,
    appointment_id uuid,
    seats integer DEFAULT 1 NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT reservation_check CHECK ((start_at < end_at)),
    CONSTRAINT reservation_seats_check CHECK ((seats >= 1))
);

CREATE TABLE public.user_account (
    company_id uuid NOT NULL,
    id uuid NOT NULL,
    host_no bigint NOT NULL,
    email text NOT NULL,
    given_name text NOT NULL,
    family_name text NOT NULL,
    slug text NOT NULL,
    title text,
    is_admin boolean DEFAULT false NOT NULL,
    is_owner boolean DEFAULT false NOT NULL,
    timezone text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    user_type text DEFAULT 'standard'::text NOT NULL,
    picture text,
    phone_number text,
    booking_limits jsonb DEFAULT '{}'::jsonb NOT NULL,
    personal_page jsonb DEFAULT '{}'::jsonb NOT NULL,
    default_availability_id uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    capacity integer DEFAULT 1 NOT NULL,
    buffer_before integer DEFAULT 0 NOT NULL,
    buffer_after integer DEFAULT 0 NOT NULL,
    CONSTRAINT user_account_buffer_after_check CHECK (((buffer_after >= 0) AND (buffer_after <= 480))),
    CONSTRAINT user_account_buffer_before_check CHECK (((buffer_before >= 0) AND (buffer_before <= 480))),
    CONSTRAINT user_account_capacity_check CHECK (((capacity >= 1) AND (capacity <= 100))),
    CONSTRAINT user_account_user_type_check CHECK ((user_type = ANY (ARRAY['standard'::text, 'resource'::text, 'api-platform'::text, 'partner'::text])))
);

ALTER TABLE public.user_account ALTER COLUMN host_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.user_account_host_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.resource_unit (
    company_id uuid NOT NULL,
    user_id uuid NOT NULL,
    unit integer NOT NULL,
    host_no bigint DEFAULT nextval('public.user_account_host_no_seq'::regclass) NOT NULL,
    CONSTRAINT resource_unit_unit_check CHECK ((unit >= 2))
);

CREATE TABLE public.told (
    company_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    revision integer NOT NULL,
    tried integer
);

ALTER TABLE ONLY public.appointment_host
    ADD CONSTRAINT appointment_host_pkey PRIMARY KEY (company_id, appointment_id, user_id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_id_key UNIQUE (id);

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.attendee
    ADD CONSTRAINT attendee_company_id_appointment_id_position_key UNIQUE (company_id, appointment_id, "position");

ALTER TABLE ONLY public.attendee
    ADD CONSTRAINT attendee_id_key UNIQUE (id);

ALTER TABLE ONLY public.attendee
    ADD CONSTRAINT attendee_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.availability_exception
    ADD CONSTRAINT availability_exception_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.availability
    ADD CONSTRAINT availability_id_key UNIQUE (id);

ALTER TABLE ONLY public.availability
    ADD CONSTRAINT availability_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.bucket
    ADD CONSTRAINT bucket_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.busy_edition
    ADD CONSTRAINT busy_edition_pkey PRIMARY KEY (host_no);

ALTER TABLE ONLY public.busy_event
    ADD CONSTRAINT busy_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calendar_access
    ADD CONSTRAINT calendar_access_pkey PRIMARY KEY (connection_id);

ALTER TABLE ONLY public.calendar_authorization
    ADD CONSTRAINT calendar_authorization_pkey PRIMARY KEY (state_hash);

ALTER TABLE ONLY public.calendar_connection
    ADD CONSTRAINT calendar_connection_id_key UNIQUE (id);

ALTER TABLE ONLY public.calendar
    ADD CONSTRAINT calendar_connection_id_remote_id_key UNIQUE (connection_id, remote_id);

ALTER TABLE ONLY public.calendar_connection
    ADD CONSTRAINT calendar_connection_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.calendar_entry
    ADD CONSTRAINT calendar_entry_pkey PRIMARY KEY (company_id, appointment_id, user_id, part);

ALTER TABLE ONLY public.calendar_event
    ADD CONSTRAINT calendar_event_calendar_id_remote_id_key UNIQUE (calendar_id, remote_id);

ALTER TABLE ONLY public.calendar_event
    ADD CONSTRAINT calendar_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calendar
    ADD CONSTRAINT calendar_id_key UNIQUE (id);

ALTER TABLE ONLY public.calendar
    ADD CONSTRAINT calendar_no_key UNIQUE (no);

ALTER TABLE ONLY public.calendar
    ADD CONSTRAINT calendar_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.calendar_reading
    ADD CONSTRAINT calendar_reading_channel_id_key UNIQUE (channel_id);

ALTER TABLE ONLY public.calendar_reading
    ADD CONSTRAINT calendar_reading_pkey PRIMARY KEY (calendar_id);

ALTER TABLE ONLY public.calendar_write
    ADD CONSTRAINT calendar_write_pkey PRIMARY KEY (company_id, appointment_id, user_id);

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_no_overlap EXCLUDE USING gist (int8range(host_no, host_no, '[]'::text) WITH &&, tstzrange(start_at, end_at) WITH &&) WHERE (exclusive);

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.company
    ADD CONSTRAINT company_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.conference
    ADD CONSTRAINT conference_pkey PRIMARY KEY (company_id, appointment_id);

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_id_key UNIQUE (id);

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.directory
    ADD CONSTRAINT directory_pkey PRIMARY KEY (kind, name);

ALTER TABLE ONLY public.edition
    ADD CONSTRAINT edition_pkey PRIMARY KEY (company_id);

ALTER TABLE ONLY public.effect
    ADD CONSTRAINT effect_event_id_kind_target_key UNIQUE (event_id, kind, target);

ALTER TABLE ONLY public.effect
    ADD CONSTRAINT effect_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_company_id_appointment_id_revision_key UNIQUE (company_id, appointment_id, revision);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.form_nonce
    ADD CONSTRAINT form_nonce_pkey PRIMARY KEY (nonce);

ALTER TABLE ONLY public.founding
    ADD CONSTRAINT founding_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY public.guest_mail
    ADD CONSTRAINT guest_mail_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (scope, method, path, key);

ALTER TABLE ONLY public.meeting_type
    ADD CONSTRAINT meeting_type_id_key UNIQUE (id);

ALTER TABLE ONLY public.meeting_type
    ADD CONSTRAINT meeting_type_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.one_time_link
    ADD CONSTRAINT one_time_link_id_key UNIQUE (id);

ALTER TABLE ONLY public.one_time_link
    ADD CONSTRAINT one_time_link_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.pending_attendee
    ADD CONSTRAINT pending_attendee_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.provisional_booking
    ADD CONSTRAINT provisional_booking_id_key UNIQUE (id);

ALTER TABLE ONLY public.provisional_booking
    ADD CONSTRAINT provisional_booking_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.queue_choice
    ADD CONSTRAINT queue_choice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_company_id_meeting_type_id_key UNIQUE (company_id, meeting_type_id);

ALTER TABLE ONLY public.queue_group_user
    ADD CONSTRAINT queue_group_user_pkey PRIMARY KEY (company_id, group_id, user_id);

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_id_key UNIQUE (id);

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.queue_user_group
    ADD CONSTRAINT queue_user_group_id_key UNIQUE (id);

ALTER TABLE ONLY public.queue_user_group
    ADD CONSTRAINT queue_user_group_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.queue_user
    ADD CONSTRAINT queue_user_pkey PRIMARY KEY (company_id, queue_id, user_id);

ALTER TABLE ONLY public.quick_mail
    ADD CONSTRAINT quick_mail_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_id_key UNIQUE (id);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_pkey PRIMARY KEY (company_id, id);

ALTER TABLE ONLY public.resource_unit
    ADD CONSTRAINT resource_unit_host_no_key UNIQUE (host_no);

ALTER TABLE ONLY public.resource_unit
    ADD CONSTRAINT resource_unit_pkey PRIMARY KEY (company_id, user_id, unit);

ALTER TABLE ONLY public.told
    ADD CONSTRAINT told_pkey PRIMARY KEY (company_id, appointment_id, recipient_id);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_host_no_key UNIQUE (host_no);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_id_key UNIQUE (id);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_pkey PRIMARY KEY (company_id, id);

CREATE INDEX appointment_created ON public.appointment USING btree (company_id, created_at, id);

CREATE INDEX appointment_host_live ON public.appointment_host USING btree (company_id, user_id, start_at) WHERE live;

CREATE INDEX appointment_host_user ON public.appointment_host USING btree (company_id, user_id, start_at, appointment_id);

CREATE INDEX appointment_series ON public.appointment USING btree (company_id, series_id, start_at) WHERE (series_id IS NOT NULL);

CREATE INDEX appointment_type_start ON public.appointment USING btree (company_id, meeting_type_id, start_at) WHERE (cancelled_at IS NULL);

CREATE INDEX attendee_series ON public.attendee USING btree (company_id, series_id) WHERE (series_id IS NOT NULL);

CREATE INDEX availability_exception_owner ON public.availability_exception USING btree (company_id, owner_id, latest) WHERE (deleted_at IS NULL);

CREATE INDEX availability_user ON public.availability USING btree (company_id, user_id) WHERE (deleted_at IS NULL);

CREATE INDEX busy_event_event ON public.busy_event USING btree (event_id);

CREATE INDEX busy_event_host_span ON public.busy_event USING btree (host_no, end_at, start_at) INCLUDE (calendar_no);

CREATE INDEX calendar_access_due ON public.calendar_access USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX calendar_authorization_expires ON public.calendar_authorization USING btree (expires_at);

CREATE UNIQUE INDEX calendar_connection_account ON public.calendar_connection USING btree (company_id, user_id, provider, account) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX calendar_connection_primary ON public.calendar_connection USING btree (company_id, user_id) WHERE (is_primary AND (deleted_at IS NULL));

CREATE INDEX calendar_entry_remote ON public.calendar_entry USING btree (calendar_id, remote_id);

CREATE INDEX calendar_event_uid ON public.calendar_event USING btree (company_id, uid);

CREATE INDEX calendar_event_unreadable ON public.calendar_event USING btree (calendar_id) WHERE (unreadable IS NOT NULL);

CREATE UNIQUE INDEX calendar_primary ON public.calendar USING btree (connection_id) WHERE is_primary;

CREATE INDEX calendar_write_due ON public.calendar_write USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX claim_appointment ON public.claim USING btree (company_id, appointment_id);

CREATE INDEX claim_end ON public.claim USING btree (end_at);

CREATE INDEX claim_expires ON public.claim USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX claim_host_span ON public.claim USING btree (host_no, end_at, start_at) INCLUDE (appointment_id, reservation_id, expires_at);

CREATE INDEX claim_reservation ON public.claim USING btree (company_id, reservation_id) WHERE (reservation_id IS NOT NULL);

CREATE INDEX conference_due ON public.conference USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE UNIQUE INDEX credential_token_name ON public.credential USING btree (company_id, user_id, name) WHERE ((kind = 'token'::text) AND (revoked_at IS NULL));

CREATE INDEX directory_target ON public.directory USING btree (company_id, target_id);

CREATE INDEX effect_due ON public.effect USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX effect_lead ON public.effect USING btree (lead_id) WHERE (lead_id IS NOT NULL);

CREATE INDEX event_batch ON public.event USING btree (company_id, batch_id) WHERE (batch_id IS NOT NULL);

CREATE UNIQUE INDEX event_connection ON public.event USING btree (company_id, connection_id, revision) WHERE (connection_id IS NOT NULL);

CREATE INDEX event_feed ON public.event USING btree (company_id, "position") WHERE ("position" IS NOT NULL);

CREATE UNIQUE INDEX event_position ON public.event USING btree ("position") WHERE ("position" IS NOT NULL);

CREATE UNIQUE INDEX event_provisional ON public.event USING btree (company_id, provisional_id, revision) WHERE (provisional_id IS NOT NULL);

CREATE INDEX event_unnumbered ON public.event USING btree (id) WHERE ("position" IS NULL);

CREATE INDEX form_nonce_created ON public.form_nonce USING btree (created_at);

CREATE INDEX guest_mail_counted_for ON public.guest_mail USING btree (counted_for, sent_at);

CREATE INDEX guest_mail_sent_at ON public.guest_mail USING btree (sent_at);

CREATE INDEX idempotency_key_created ON public.idempotency_key USING btree (created_at);

CREATE UNIQUE INDEX meeting_type_slug ON public.meeting_type USING btree (company_id, user_id, slug) WHERE (deleted_at IS NULL);

CREATE INDEX pending_attendee_company ON public.pending_attendee USING btree (company_id, id) WHERE (deleted_at IS NULL);

CREATE INDEX provisional_booking_created ON public.provisional_booking USING btree (company_id, created_at, id);

CREATE INDEX provisional_booking_due ON public.provisional_booking USING btree (expires_at) WHERE ((status = 'pending'::text) AND (expired_at IS NULL));

CREATE INDEX provisional_booking_hosts ON public.provisional_booking USING gin (host_ids);

CREATE INDEX provisional_booking_unproved ON public.provisional_booking USING btree (client, expires_at) WHERE ((status = 'pending'::text) AND (proved_at IS NULL) AND (client IS NOT NULL));

CREATE INDEX queue_choice_appointment ON public.queue_choice USING btree (company_id, appointment_id) WHERE (appointment_id IS NOT NULL);

CREATE INDEX queue_choice_chosen ON public.queue_choice USING btree (company_id, queue_id, member_id, created_at DESC) INCLUDE (expires_at) WHERE live;

CREATE INDEX queue_choice_ledger ON public.queue_choice USING btree (company_id, queue_id, id);

CREATE INDEX queue_choice_pending ON public.queue_choice USING btree (company_id, queue_id, expires_at) INCLUDE (member_id) WHERE (live AND (expires_at IS NOT NULL));

CREATE INDEX queue_choice_reservation ON public.queue_choice USING btree (company_id, reservation_id) WHERE (reservation_id IS NOT NULL);

CREATE INDEX queue_choice_start ON public.queue_choice USING btree (company_id, queue_id, start_at) INCLUDE (member_id, expires_at, created_at, reservation_id) WHERE live;

CREATE INDEX queue_turns_queue ON public.queue_turns USING btree (company_id, queue_id) INCLUDE (member_id, turns);

CREATE INDEX queue_user_group_queue ON public.queue_user_group USING btree (company_id, queue_id) WHERE (deleted_at IS NULL);

CREATE INDEX queue_user_user ON public.queue_user USING btree (company_id, user_id);

CREATE INDEX quick_mail_due ON public.quick_mail USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX quick_mail_sender ON public.quick_mail USING btree (company_id, sender_id, created_at);

CREATE INDEX reservation_appointment ON public.reservation USING btree (company_id, appointment_id) WHERE (appointment_id IS NOT NULL);

CREATE INDEX reservation_expires ON public.reservation USING btree (expires_at);

CREATE INDEX reservation_hosts ON public.reservation USING gin (host_ids);

CREATE INDEX reservation_provisional ON public.reservation USING btree (company_id, provisional_id) WHERE (provisional_id IS NOT NULL);

CREATE INDEX reservation_type_start ON public.reservation USING btree (company_id, meeting_type_id, start_at);

CREATE UNIQUE INDEX user_account_email ON public.user_account USING btree (company_id, lower(email)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX user_account_owner ON public.user_account USING btree (company_id) WHERE is_owner;

CREATE TRIGGER busy_edition_deleted AFTER DELETE ON public.busy_event REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.busy_edition_begins();

CREATE TRIGGER busy_edition_inserted AFTER INSERT ON public.busy_event REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.busy_edition_begins();

CREATE TRIGGER busy_edition_updated_from AFTER UPDATE ON public.busy_event REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.busy_edition_begins();

CREATE TRIGGER busy_edition_updated_to AFTER UPDATE ON public.busy_event REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.busy_edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.availability DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.availability_exception DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.calendar DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.calendar_connection DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR UPDATE ON public.company DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.meeting_type DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.queue DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.queue_group_user DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.queue_user DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.queue_user_group DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.resource_unit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE CONSTRAINT TRIGGER edition_begins AFTER INSERT OR DELETE OR UPDATE ON public.user_account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.edition_begins();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.availability FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.availability_exception FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.calendar FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.calendar_connection FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.company FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.meeting_type FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.queue FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.queue_group_user FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.queue_user FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.queue_user_group FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.resource_unit FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER edition_ends AFTER INSERT OR DELETE OR UPDATE ON public.user_account FOR EACH STATEMENT EXECUTE FUNCTION public.edition_ends();

CREATE TRIGGER queue_choice_counted AFTER INSERT OR DELETE OR UPDATE OF live, expires_at, member_id, queue_id ON public.queue_choice FOR EACH ROW EXECUTE FUNCTION public.queue_choice_counted();

ALTER TABLE ONLY public.appointment
    ADD CONSTRAINT appointment_company_id_meeting_type_id_fkey FOREIGN KEY (company_id, meeting_type_id) REFERENCES public.meeting_type(company_id, id);

ALTER TABLE ONLY public.appointment_host
    ADD CONSTRAINT appointment_host_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.appointment_host
    ADD CONSTRAINT appointment_host_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.attendee
    ADD CONSTRAINT attendee_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.availability
    ADD CONSTRAINT availability_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.availability
    ADD CONSTRAINT availability_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.availability_exception
    ADD CONSTRAINT availability_exception_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.busy_event
    ADD CONSTRAINT busy_event_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.calendar_event(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.calendar_access
    ADD CONSTRAINT calendar_access_company_id_connection_id_fkey FOREIGN KEY (company_id, connection_id) REFERENCES public.calendar_connection(company_id, id);

ALTER TABLE ONLY public.calendar_authorization
    ADD CONSTRAINT calendar_authorization_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.calendar
    ADD CONSTRAINT calendar_company_id_connection_id_fkey FOREIGN KEY (company_id, connection_id) REFERENCES public.calendar_connection(company_id, id);

ALTER TABLE ONLY public.calendar_connection
    ADD CONSTRAINT calendar_connection_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.calendar_entry
    ADD CONSTRAINT calendar_entry_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.calendar_entry
    ADD CONSTRAINT calendar_entry_company_id_connection_id_fkey FOREIGN KEY (company_id, connection_id) REFERENCES public.calendar_connection(company_id, id);

ALTER TABLE ONLY public.calendar_event
    ADD CONSTRAINT calendar_event_company_id_calendar_id_fkey FOREIGN KEY (company_id, calendar_id) REFERENCES public.calendar(company_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.calendar_reading
    ADD CONSTRAINT calendar_reading_company_id_calendar_id_fkey FOREIGN KEY (company_id, calendar_id) REFERENCES public.calendar(company_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.calendar_write
    ADD CONSTRAINT calendar_write_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_company_id_reservation_id_fkey FOREIGN KEY (company_id, reservation_id) REFERENCES public.reservation(company_id, id);

ALTER TABLE ONLY public.conference
    ADD CONSTRAINT conference_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.directory
    ADD CONSTRAINT directory_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.edition
    ADD CONSTRAINT edition_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.effect
    ADD CONSTRAINT effect_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.event(id);

ALTER TABLE ONLY public.effect
    ADD CONSTRAINT effect_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES public.effect(id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_company_id_provisional_id_fkey FOREIGN KEY (company_id, provisional_id) REFERENCES public.provisional_booking(company_id, id);

ALTER TABLE ONLY public.founding
    ADD CONSTRAINT founding_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.meeting_type
    ADD CONSTRAINT meeting_type_company_id_availability_id_fkey FOREIGN KEY (company_id, availability_id) REFERENCES public.availability(company_id, id);

ALTER TABLE ONLY public.meeting_type
    ADD CONSTRAINT meeting_type_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.meeting_type
    ADD CONSTRAINT meeting_type_company_id_queue_id_fkey FOREIGN KEY (company_id, queue_id) REFERENCES public.queue(company_id, id);

ALTER TABLE ONLY public.meeting_type
    ADD CONSTRAINT meeting_type_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.one_time_link
    ADD CONSTRAINT one_time_link_company_id_meeting_type_id_fkey FOREIGN KEY (company_id, meeting_type_id) REFERENCES public.meeting_type(company_id, id);

ALTER TABLE ONLY public.pending_attendee
    ADD CONSTRAINT pending_attendee_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.provisional_booking
    ADD CONSTRAINT provisional_booking_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.provisional_booking
    ADD CONSTRAINT provisional_booking_company_id_attendee_id_fkey FOREIGN KEY (company_id, attendee_id) REFERENCES public.attendee(company_id, id);

ALTER TABLE ONLY public.provisional_booking
    ADD CONSTRAINT provisional_booking_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);

ALTER TABLE ONLY public.provisional_booking
    ADD CONSTRAINT provisional_booking_company_id_meeting_type_id_fkey FOREIGN KEY (company_id, meeting_type_id) REFERENCES public.meeting_type(company_id, id);

ALTER TABLE ONLY public.queue_choice
    ADD CONSTRAINT queue_choice_company_id_queue_id_fkey FOREIGN KEY (company_id, queue_id) REFERENCES public.queue(company_id, id);

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_company_id_meeting_type_id_fkey FOREIGN KEY (company_id, meeting_type_id) REFERENCES public.meeting_type(company_id, id);

ALTER TABLE ONLY public.queue_group_user
    ADD CONSTRAINT queue_group_user_company_id_group_id_fkey FOREIGN KEY (company_id, group_id) REFERENCES public.queue_user_group(company_id, id);

ALTER TABLE ONLY public.queue_group_user
    ADD CONSTRAINT queue_group_user_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.queue_user
    ADD CONSTRAINT queue_user_company_id_queue_id_fkey FOREIGN KEY (company_id, queue_id) REFERENCES public.queue(company_id, id);

ALTER TABLE ONLY public.queue_user
    ADD CONSTRAINT queue_user_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.queue_user_group
    ADD CONSTRAINT queue_user_group_company_id_main_group_host_id_fkey FOREIGN KEY (company_id, main_group_host_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.queue_user_group
    ADD CONSTRAINT queue_user_group_company_id_queue_id_fkey FOREIGN KEY (company_id, queue_id) REFERENCES public.queue(company_id, id);

ALTER TABLE ONLY public.quick_mail
    ADD CONSTRAINT quick_mail_company_id_attendee_id_fkey FOREIGN KEY (company_id, attendee_id) REFERENCES public.attendee(company_id, id);

ALTER TABLE ONLY public.quick_mail
    ADD CONSTRAINT quick_mail_company_id_sender_id_fkey FOREIGN KEY (company_id, sender_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_company_id_meeting_type_id_fkey FOREIGN KEY (company_id, meeting_type_id) REFERENCES public.meeting_type(company_id, id);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_company_id_provisional_id_fkey FOREIGN KEY (company_id, provisional_id) REFERENCES public.provisional_booking(company_id, id);

ALTER TABLE ONLY public.resource_unit
    ADD CONSTRAINT resource_unit_company_id_user_id_fkey FOREIGN KEY (company_id, user_id) REFERENCES public.user_account(company_id, id);

ALTER TABLE ONLY public.told
    ADD CONSTRAINT told_company_id_appointment_id_fkey FOREIGN KEY (company_id, appointment_id) REFERENCES public.appointment(company_id, id);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_company_id_default_availability_id_fkey FOREIGN KEY (company_id, default_availability_id) REFERENCES public.availability(company_id, id);

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.company(id);
