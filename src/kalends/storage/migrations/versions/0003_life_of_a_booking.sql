-- Group seats, holds and provisional bookings, queues, resources, series, one-time links, the change feed's positions
-- and the answers kept for repeated requests.

-- A resource (user_type 'resource') has `capacity` units and buffers of its own, in minutes. Unit 1 is the user's own
-- host_no, the others stand in resource_unit; whoever locks a resource locks its user_account row. Units beyond a capacity
-- that was lowered stay there with the claims they have, and are given to nobody (unit <= capacity).
ALTER TABLE user_account
    ADD capacity integer NOT NULL DEFAULT 1 CHECK (capacity BETWEEN 1 AND 100),
    ADD buffer_before integer NOT NULL DEFAULT 0 CHECK (buffer_before BETWEEN 0 AND 480),
    ADD buffer_after integer NOT NULL DEFAULT 0 CHECK (buffer_after BETWEEN 0 AND 480);

CREATE TABLE resource_unit (
    company_id uuid NOT NULL,
    user_id uuid NOT NULL,
    unit integer NOT NULL CHECK (unit >= 2),
    host_no bigint NOT NULL UNIQUE DEFAULT nextval('user_account_host_no_seq'),
    PRIMARY KEY (company_id, user_id, unit),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id)
);
ALTER TABLE claim DROP CONSTRAINT claim_host_no_fkey;

-- resource_channels: [{id, resourceId, name, availabilityId, groupName, groupMemberIndex}], checked when stored.
-- questions: [{name, label, fieldType, required, options, min, max, …}], answered in attendee.notes.
ALTER TABLE meeting_type
    DROP resource_channel_ids,
    ADD resource_channels jsonb NOT NULL DEFAULT '[]',
    ADD questions jsonb NOT NULL DEFAULT '[]';

-- resources: [{channelId, resourceId, name}] as booked; which unit stands in claim.
ALTER TABLE appointment
    ADD series_id uuid,
    ADD queue_id uuid,
    ADD resources jsonb NOT NULL DEFAULT '[]';
-- brought_by: the attendee who brought him along, and with whom he leaves. series_id: of the recurrence he comes by; one
-- who joins a group appointment of another series, or of none, has another than its.
ALTER TABLE attendee
    ADD brought_by uuid,
    ADD series_id uuid;
CREATE INDEX attendee_series ON attendee (company_id, series_id) WHERE series_id IS NOT NULL;
UPDATE attendee SET brought_by = booker.id FROM attendee booker
WHERE attendee.brought_along AND booker.company_id = attendee.company_id
    AND booker.appointment_id = attendee.appointment_id AND booker.position = 0;
-- A form may have become a provisional booking.
ALTER TABLE form_nonce ADD provisional_id uuid;
CREATE INDEX appointment_series ON appointment (company_id, series_id, start_at) WHERE series_id IS NOT NULL;

-- A booking that somebody still has to confirm. dto is the booking's body; status 'expired' is a pending one whose
-- expires_at is past, and expired_at when that was made known. client: the address a guest without a credential came
-- from, for the limit of unproved ones. attendee_id: whom confirming made of who booked.
CREATE TABLE provisional_booking (
    company_id uuid NOT NULL REFERENCES company,
    id uuid NOT NULL UNIQUE,
    meeting_type_id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('doubleOptIn', 'requireHostConfirmation')),
    then_host boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'declined_by_host')),
    revision integer NOT NULL DEFAULT 1,
    dto jsonb NOT NULL,
    host_ids uuid[] NOT NULL,
    selection jsonb,
    start_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    proved_at timestamptz,
    client text,
    guest_secret text NOT NULL,
    host_secret text NOT NULL,
    actor jsonb NOT NULL,
    reason text,
    appointment_id uuid,
    attendee_id uuid,
    expired_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, meeting_type_id) REFERENCES meeting_type (company_id, id),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id),
    FOREIGN KEY (company_id, attendee_id) REFERENCES attendee (company_id, id)
);
CREATE INDEX provisional_booking_due ON provisional_booking (expires_at)
    WHERE status = 'pending' AND expired_at IS NULL;
CREATE INDEX provisional_booking_created ON provisional_booking (company_id, created_at, id);
CREATE INDEX provisional_booking_hosts ON provisional_booking USING gin (host_ids);
CREATE INDEX provisional_booking_unproved ON provisional_booking (client, expires_at)
    WHERE status = 'pending' AND proved_at IS NULL AND client IS NOT NULL;

-- Time kept until expires_at: for a provisional booking, or as a hold (provisional_id is null then, and its id is the
-- holdId). It counts like an appointment while it lives. appointment_id: the group appointment it has seats in.
-- Ended ones stay a day, so that an ended hold can be told from an unknown one.
CREATE TABLE reservation (
    company_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    provisional_id uuid,
    meeting_type_id uuid NOT NULL,
    host_ids uuid[] NOT NULL,
    resources jsonb NOT NULL DEFAULT '[]',
    appointment_id uuid,
    seats integer NOT NULL DEFAULT 1 CHECK (seats >= 1),
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, provisional_id) REFERENCES provisional_booking (company_id, id),
    FOREIGN KEY (company_id, meeting_type_id) REFERENCES meeting_type (company_id, id),
    FOREIGN KEY (company_id, appointment_id) REFERENCES appointment (company_id, id),
    CHECK (start_at < end_at)
);
CREATE INDEX reservation_type_start ON reservation (company_id, meeting_type_id, start_at);
CREATE INDEX reservation_hosts ON reservation USING gin (host_ids);
CREATE INDEX reservation_provisional ON reservation (company_id, provisional_id) WHERE provisional_id IS NOT NULL;
CREATE INDEX reservation_appointment ON reservation (company_id, appointment_id) WHERE appointment_id IS NOT NULL;
CREATE INDEX reservation_expires ON reservation (expires_at);

-- A claim belongs to an appointment, or to a reservation and lives as long as that.
ALTER TABLE claim
    ALTER appointment_id DROP NOT NULL,
    ADD reservation_id uuid,
    ADD FOREIGN KEY (company_id, reservation_id) REFERENCES reservation (company_id, id),
    ADD CONSTRAINT claim_owner CHECK (
        num_nonnulls(appointment_id, reservation_id) = 1 AND (reservation_id IS NULL) = (expires_at IS NULL)
    );
CREATE INDEX claim_reservation ON claim (company_id, reservation_id) WHERE reservation_id IS NOT NULL;
DROP INDEX claim_host_span;
CREATE INDEX claim_host_span ON claim (host_no, end_at, start_at) INCLUDE (appointment_id, reservation_id, expires_at);

CREATE TABLE queue (
    company_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    meeting_type_id uuid NOT NULL,
    type text NOT NULL DEFAULT 'simpleRoundRobin'
        CHECK (type IN ('simpleRoundRobin', 'advancedRoundRobin', 'equalDistribution')),
    max_lead_threshold integer CHECK (max_lead_threshold >= 1),
    distribution_period text NOT NULL DEFAULT 'month' CHECK (distribution_period IN ('day', 'week', 'month')),
    prioritize_near_term boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    UNIQUE (company_id, meeting_type_id),
    FOREIGN KEY (company_id, meeting_type_id) REFERENCES meeting_type (company_id, id)
);

-- baseline: what a newcomer is counted ahead, so that he starts at the mean of those who are there already. joined_at:
-- when he (or a group with somebody in it) came to rotate.
CREATE TABLE queue_user (
    company_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    user_id uuid NOT NULL,
    position integer NOT NULL,
    capacity integer NOT NULL DEFAULT 1 CHECK (capacity >= 1),
    priority integer NOT NULL DEFAULT 0,
    custom_link text,
    fixed boolean NOT NULL DEFAULT false,
    baseline double precision NOT NULL DEFAULT 0,
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, queue_id, user_id),
    FOREIGN KEY (company_id, queue_id) REFERENCES queue (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id)
);
CREATE INDEX queue_user_user ON queue_user (company_id, user_id);
ALTER TABLE meeting_type ADD queue_id uuid, ADD FOREIGN KEY (company_id, queue_id) REFERENCES queue (company_id, id);

-- A group takes its turn like one user, and all its users host together.
CREATE TABLE queue_user_group (
    company_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    queue_id uuid NOT NULL,
    name text NOT NULL,
    position integer NOT NULL,
    capacity integer NOT NULL DEFAULT 1 CHECK (capacity >= 1),
    main_group_host_id uuid,
    baseline double precision NOT NULL DEFAULT 0,
    joined_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, queue_id) REFERENCES queue (company_id, id),
    FOREIGN KEY (company_id, main_group_host_id) REFERENCES user_account (company_id, id)
);
CREATE INDEX queue_user_group_queue ON queue_user_group (company_id, queue_id) WHERE deleted_at IS NULL;

CREATE TABLE queue_group_user (
    company_id uuid NOT NULL,
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (company_id, group_id, user_id),
    FOREIGN KEY (company_id, group_id) REFERENCES queue_user_group (company_id, id),
    FOREIGN KEY (company_id, user_id) REFERENCES user_account (company_id, id)
);

-- The ledger: who was chosen (member_id is a user's or a group's), out of whom, and why. It counts while it is live
-- and its reservation has not expired; a cancelled, declined or handed over one is not live.
CREATE TABLE queue_choice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    member_id uuid NOT NULL,
    user_ids uuid[] NOT NULL,
    start_at timestamptz NOT NULL,
    strategy text NOT NULL,
    reason text NOT NULL,
    candidates jsonb NOT NULL,
    appointment_id uuid,
    reservation_id uuid,
    live boolean NOT NULL DEFAULT true,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (company_id, queue_id) REFERENCES queue (company_id, id)
);
CREATE INDEX queue_choice_live ON queue_choice (company_id, queue_id, member_id, start_at)
    INCLUDE (expires_at, created_at) WHERE live;
CREATE INDEX queue_choice_ledger ON queue_choice (company_id, queue_id, id);
CREATE INDEX queue_choice_appointment ON queue_choice (company_id, appointment_id) WHERE appointment_id IS NOT NULL;
CREATE INDEX queue_choice_reservation ON queue_choice (company_id, reservation_id) WHERE reservation_id IS NOT NULL;

-- Used while its appointment exists or its provisional booking lives.
CREATE TABLE one_time_link (
    company_id uuid NOT NULL,
    id uuid NOT NULL UNIQUE,
    meeting_type_id uuid NOT NULL,
    created_by_id uuid,
    appointment_id uuid,
    provisional_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, id),
    FOREIGN KEY (company_id, meeting_type_id) REFERENCES meeting_type (company_id, id)
);

CREATE TABLE pending_attendee (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    email text,
    first_name text,
    last_name text,
    full_name text,
    phone text,
    language text,
    timezone text,
    notes jsonb NOT NULL DEFAULT '{}',
    bringalong_emails jsonb NOT NULL DEFAULT '[]',
    receive_reminders boolean NOT NULL DEFAULT true,
    data_policy_accepted boolean,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX pending_attendee_company ON pending_attendee (company_id, id) WHERE deleted_at IS NULL;

-- A mail somebody wrote to one attendee (contract 2.8). due_at: put off until then.
CREATE TABLE quick_mail (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id uuid NOT NULL,
    attendee_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL,
    done_at timestamptz,
    outcome text CHECK (outcome IN ('sent', 'refused', 'given-up')),
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    FOREIGN KEY (company_id, attendee_id) REFERENCES attendee (company_id, id),
    FOREIGN KEY (company_id, sender_id) REFERENCES user_account (company_id, id)
);
CREATE INDEX quick_mail_sender ON quick_mail (company_id, sender_id, created_at);
CREATE INDEX quick_mail_due ON quick_mail (due_at) WHERE due_at IS NOT NULL;

-- An event is of an appointment or of a provisional booking. position: its place in the change feed, given after the
-- commit by whoever reads first, so nothing ever appears behind a cursor already given. Its index is partial, which
-- keeps it from being a key: numbering an event does not wait for whoever writes an effect of it.
-- batch_id: what one request did to several dates of a series is told in one mail.
ALTER TABLE event
    ALTER appointment_id DROP NOT NULL,
    ADD provisional_id uuid,
    ADD position bigint,
    ADD batch_id uuid,
    ADD FOREIGN KEY (company_id, provisional_id) REFERENCES provisional_booking (company_id, id),
    ADD CONSTRAINT event_subject CHECK (num_nonnulls(appointment_id, provisional_id) = 1),
    ADD UNIQUE (company_id, provisional_id, revision);
CREATE INDEX event_feed ON event (company_id, position);
CREATE UNIQUE INDEX event_position ON event (position) WHERE position IS NOT NULL;
CREATE INDEX event_unnumbered ON event (id) WHERE position IS NULL;
CREATE INDEX event_batch ON event (company_id, batch_id) WHERE batch_id IS NOT NULL;

-- lead_id: this one is told in the mail of that one, which alone has a job.
ALTER TABLE effect
    ADD lead_id bigint REFERENCES effect,
    DROP CONSTRAINT effect_kind_check,
    ADD CONSTRAINT effect_kind_check CHECK (kind IN ('mail', 'provisional-mail'));
CREATE INDEX effect_lead ON effect (lead_id) WHERE lead_id IS NOT NULL;

-- What a write answered, for whoever repeats it with the same Idempotency-Key (or, for a booking, the same body).
-- scope: the credential, or the door of those without one; answer is encrypted; subject: what must still live.
CREATE TABLE idempotency_key (
    scope text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    answer bytea,
    company_id uuid,
    subject_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (scope, method, path, key)
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at);
