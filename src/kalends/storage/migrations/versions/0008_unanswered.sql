-- What was begun at somebody else's server and answered to nobody: it may have been done, and is not taken for his doing.
-- Some data folders have these columns already, made while revision 0007 was still being written: hence IF NOT EXISTS.

ALTER TABLE calendar_entry
    ADD COLUMN IF NOT EXISTS tried timestamptz[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS leaving boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN calendar_entry.tried IS 'starts and ends that writing was begun with and not answered since';
COMMENT ON COLUMN calendar_entry.leaving IS 'its deletion was begun and not answered';

-- A revision that a mail may have told of which nobody knows what became of it; revision 0: nothing was told for sure.
ALTER TABLE told ADD COLUMN IF NOT EXISTS tried integer;
