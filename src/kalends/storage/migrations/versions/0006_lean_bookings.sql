-- Procrastinate's note that a job was queued: of its notes are read only those of a start, of an end, and of a failure.
DROP TRIGGER procrastinate_trigger_status_events_insert_v1 ON procrastinate_jobs;

-- Its type, of the same company, says so already. Without it no two bookings share a lock on the company's row.
ALTER TABLE appointment DROP CONSTRAINT appointment_company_id_fkey;

-- An event is of one of two: it has no place in the index of the other. Nor in the feed, before it has a position.
ALTER TABLE event DROP CONSTRAINT event_company_id_provisional_id_revision_key;
CREATE UNIQUE INDEX event_provisional ON event (company_id, provisional_id, revision) WHERE provisional_id IS NOT NULL;
DROP INDEX event_feed;
CREATE INDEX event_feed ON event (company_id, position) WHERE position IS NOT NULL;
