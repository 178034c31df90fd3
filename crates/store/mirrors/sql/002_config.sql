-- What people set: reference data and policies, read by whoever follows these tables into the log.
-- A row without a store holds for all of them.

CREATE SCHEMA config;
COMMENT ON SCHEMA config IS 'what people set; every change becomes an event';

-- Counts changes. Writers wait for each other, so that numbers are committed in their order and
-- whoever has seen a number has seen all below it.
CREATE SEQUENCE config.revisions;

CREATE TABLE config.stores (
    store_id text PRIMARY KEY CHECK (octet_length(store_id) BETWEEN 1 AND 23),
    name text,
    time_zone text,
    refill_mode text,
    order_approval text,
    opening_hours jsonb,
    closed_days jsonb,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE config.suppliers (
    store_id text,
    supplier_id text NOT NULL,
    name text,
    cutoffs jsonb,
    deliveries jsonb,
    lead_minutes integer,
    minimum_order numeric(18,2),
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (store_id, supplier_id)
);

CREATE TABLE config.products (
    store_id text,
    shelf_id text NOT NULL,
    name text,
    brand text,
    item_category text NOT NULL,
    item_subcategory text,
    price numeric(18,2) NOT NULL,
    cost numeric(18,2),
    item_weight numeric(10,3),
    standard_batch_size integer,
    shelf_life_days integer,
    supplier_id text,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (store_id, shelf_id)
);

-- The weight of a product, laid over what is known of it otherwise; and its shelf.
CREATE TABLE config.shelf_profiles (
    store_id text,
    shelf_id text NOT NULL,
    item_weight numeric(10,3),
    capacity_units integer,
    warehouse_capacity_units integer,
    sensor text,
    expected_daily_units numeric(12,3),
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (store_id, shelf_id)
);

-- The packs that lots came in: the pack of a product is that of the row that changed last.
CREATE TABLE config.batch_catalog (
    store_id text,
    batch_code text NOT NULL,
    shelf_id text NOT NULL,
    expiry_date date,
    standard_batch_size integer,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (store_id, batch_code)
);
CREATE INDEX ON config.batch_catalog (shelf_id, revision);

CREATE TABLE config.shelf_policies (
    policy_id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    store_id text,
    shelf_id text,
    item_category text,
    item_subcategory text,
    threshold_pct numeric(5,2),
    min_qty integer,
    target_pct numeric(5,2),
    hysteresis_pct numeric(5,2),
    near_expiry_floor_days integer,
    cooldown_minutes integer,
    active boolean NOT NULL DEFAULT true,
    notes text,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON config.shelf_policies (shelf_id, item_category, item_subcategory) WHERE active;

CREATE TABLE config.wh_policies (
    policy_id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    store_id text,
    shelf_id text,
    item_category text,
    item_subcategory text,
    reorder_point_qty integer,
    cover_days integer,
    near_expiry_warehouse_days integer,
    cooldown_minutes integer,
    active boolean NOT NULL DEFAULT true,
    notes text,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON config.wh_policies (shelf_id, item_category, item_subcategory) WHERE active;

-- Policies that were removed: an event says that they no longer count.
CREATE TABLE config.removed_policies (
    policy_id text PRIMARY KEY,
    store_id text,
    shelf_id text,
    item_category text,
    item_subcategory text,
    active boolean NOT NULL DEFAULT false CHECK (NOT active),
    revision bigint NOT NULL
);

-- Up to which change each follower has taken the rows of each store into its log.
CREATE TABLE config.followed (
    follower text,
    store_id text,
    revision bigint NOT NULL,
    followed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (follower, store_id)
);

CREATE FUNCTION config.await_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('config.revisions'));
    RETURN NULL;
END $$;

CREATE FUNCTION config.count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.revision := OLD.revision;
        NEW.updated_at := OLD.updated_at;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    NEW.revision := nextval('config.revisions');
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE FUNCTION config.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('shelf_config', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE FUNCTION config.note_removed_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO config.removed_policies
        (policy_id, store_id, shelf_id, item_category, item_subcategory, revision)
    VALUES (OLD.policy_id, OLD.store_id, OLD.shelf_id, OLD.item_category, OLD.item_subcategory,
            nextval('config.revisions'))
    ON CONFLICT (policy_id) DO UPDATE SET revision = EXCLUDED.revision;
    RETURN NULL;
END $$;

CREATE FUNCTION config.unremove_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM config.removed_policies WHERE policy_id = NEW.policy_id;
    RETURN NULL;
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['stores', 'suppliers', 'products', 'shelf_profiles',
                                'batch_catalog', 'shelf_policies', 'wh_policies'] LOOP
        EXECUTE format('CREATE TRIGGER await_turn BEFORE INSERT OR UPDATE OR DELETE ON config.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION config.await_turn()', name);
        EXECUTE format('CREATE TRIGGER count_change BEFORE INSERT OR UPDATE ON config.%I
                        FOR EACH ROW EXECUTE FUNCTION config.count_change()', name);
        EXECUTE format('CREATE INDEX ON config.%I (revision)', name);
        EXECUTE format('CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON config.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION config.tell()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['shelf_policies', 'wh_policies'] LOOP
        EXECUTE format('CREATE TRIGGER note_removed AFTER DELETE ON config.%I
                        FOR EACH ROW EXECUTE FUNCTION config.note_removed_policy()', name);
        EXECUTE format('CREATE TRIGGER unremove AFTER INSERT ON config.%I
                        FOR EACH ROW EXECUTE FUNCTION config.unremove_policy()', name);
    END LOOP;
END $$;

-- Every change that is there, for what follows them: who reads them in order of revisions and
-- notes the last one misses none.
CREATE VIEW config.changes AS
SELECT store_id, revision FROM config.stores
UNION ALL SELECT store_id, revision FROM config.suppliers
UNION ALL SELECT store_id, revision FROM config.products
UNION ALL SELECT store_id, revision FROM config.shelf_profiles
UNION ALL SELECT store_id, revision FROM config.batch_catalog
UNION ALL SELECT store_id, revision FROM config.shelf_policies
UNION ALL SELECT store_id, revision FROM config.wh_policies
UNION ALL SELECT store_id, revision FROM config.removed_policies;
