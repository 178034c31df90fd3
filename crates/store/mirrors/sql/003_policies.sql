-- A policy can stop to hold in more ways than by the removal of its row: its row may be given to
-- other stores, be given another id, or go with all rows of its table. What it held for is told of
-- the end as well. A store for which some row of that id holds is not told.

ALTER TABLE config.removed_policies
    DROP CONSTRAINT removed_policies_pkey,
    ADD UNIQUE NULLS NOT DISTINCT (policy_id, store_id);

CREATE OR REPLACE FUNCTION config.note_removed_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO config.removed_policies
        (policy_id, store_id, shelf_id, item_category, item_subcategory, revision)
    VALUES (OLD.policy_id, OLD.store_id, OLD.shelf_id, OLD.item_category, OLD.item_subcategory,
            nextval('config.revisions'))
    ON CONFLICT (policy_id, store_id) DO UPDATE SET revision = EXCLUDED.revision;
    RETURN NULL;
END $$;

-- Only for the stores of the new row is the end undone.
CREATE OR REPLACE FUNCTION config.unremove_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM config.removed_policies
    WHERE policy_id = NEW.policy_id AND (NEW.store_id IS NULL OR store_id = NEW.store_id);
    RETURN NULL;
END $$;

CREATE FUNCTION config.note_emptied_policies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO config.removed_policies
             (policy_id, store_id, shelf_id, item_category, item_subcategory, revision)
         SELECT policy_id, store_id, shelf_id, item_category, item_subcategory,
                nextval(''config.revisions'')
         FROM config.%I
         ON CONFLICT (policy_id, store_id) DO UPDATE SET revision = EXCLUDED.revision',
        TG_TABLE_NAME);
    RETURN NULL;
END $$;

-- Triggers of one kind are called in the order of their names.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['shelf_policies', 'wh_policies'] LOOP
        EXECUTE format('CREATE TRIGGER note_moved AFTER UPDATE ON config.%I FOR EACH ROW
                        WHEN (OLD.policy_id <> NEW.policy_id
                              OR OLD.store_id IS DISTINCT FROM NEW.store_id)
                        EXECUTE FUNCTION config.note_removed_policy()', name);
        EXECUTE format('CREATE TRIGGER unremove_moved AFTER UPDATE ON config.%I FOR EACH ROW
                        WHEN (OLD.policy_id <> NEW.policy_id
                              OR OLD.store_id IS DISTINCT FROM NEW.store_id)
                        EXECUTE FUNCTION config.unremove_policy()', name);
        EXECUTE format('CREATE TRIGGER await_emptying BEFORE TRUNCATE ON config.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION config.await_turn()', name);
        EXECUTE format('CREATE TRIGGER note_emptied BEFORE TRUNCATE ON config.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION config.note_emptied_policies()', name);
        EXECUTE format('CREATE TRIGGER tell_emptied AFTER TRUNCATE ON config.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION config.tell()', name);
    END LOOP;
END $$;
