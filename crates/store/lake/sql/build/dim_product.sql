-- Products of stores with their history. A declaration says everything, a price change the price
-- alone: what a row does not say is carried on from the row before it. Rows that change nothing
-- that is kept are left out.
WITH told AS (
    SELECT
        store_id, sku, event_at, event_date, log_offset, name, brand, category, subcategory,
        price, cost, unit_weight_g, pack_units, shelf_life_days, supplier_id, TRUE AS declared
    FROM raw.products
    UNION ALL
    SELECT
        store_id, sku, event_at, event_date, log_offset, NULL, NULL, NULL, NULL, price, NULL,
        NULL, NULL, NULL, NULL, FALSE
    FROM raw.price_changes
    WHERE event_type = 'price'
),
-- Each price change belongs to the declaration before it.
numbered AS (
    SELECT
        told.*,
        SUM(CASE WHEN declared THEN 1 ELSE 0 END)
            OVER (PARTITION BY store_id, sku ORDER BY log_offset) AS declaration
    FROM told
),
whole AS (
    SELECT
        store_id, sku, event_at, event_date, log_offset, price,
        FIRST_VALUE(name) OVER same AS name,
        FIRST_VALUE(brand) OVER same AS brand,
        FIRST_VALUE(category) OVER same AS category,
        FIRST_VALUE(subcategory) OVER same AS subcategory,
        FIRST_VALUE(cost) OVER same AS cost,
        FIRST_VALUE(unit_weight_g) OVER same AS unit_weight_g,
        FIRST_VALUE(pack_units) OVER same AS pack_units,
        FIRST_VALUE(shelf_life_days) OVER same AS shelf_life_days,
        FIRST_VALUE(supplier_id) OVER same AS supplier_id
    FROM numbered
    WHERE declaration > 0
    WINDOW same AS (PARTITION BY store_id, sku, declaration ORDER BY log_offset)
),
compared AS (
    SELECT
        whole.*,
        concat_ws('|', name, brand, category, subcategory, CAST(price AS VARCHAR),
            coalesce(CAST(cost AS VARCHAR), '-'), coalesce(CAST(unit_weight_g AS VARCHAR), '-'),
            CAST(pack_units AS VARCHAR), coalesce(CAST(shelf_life_days AS VARCHAR), '-'),
            coalesce(supplier_id, '-')) AS says
    FROM whole
),
marked AS (
    SELECT
        compared.*,
        LAG(says) OVER (PARTITION BY store_id, sku ORDER BY log_offset) AS said
    FROM compared
),
-- What is told later holds from then on, however late it happened: times never go back.
ordered AS (
    SELECT
        marked.*,
        MAX(event_at) OVER (PARTITION BY store_id, sku ORDER BY log_offset) AS began_at,
        MAX(event_date) OVER (PARTITION BY store_id, sku ORDER BY log_offset) AS began_on
    FROM marked
    WHERE said IS NULL OR said <> says
),
versions AS (
    SELECT
        ordered.*,
        ROW_NUMBER() OVER (PARTITION BY store_id, sku ORDER BY log_offset) AS version,
        LEAD(began_at) OVER (PARTITION BY store_id, sku ORDER BY log_offset) AS next_at,
        LEAD(began_on) OVER (PARTITION BY store_id, sku ORDER BY log_offset) AS next_on
    FROM ordered
)
SELECT
    natural_key(concat_ws('|', store_id, sku, CAST(log_offset AS VARCHAR))) AS product_key,
    store_id,
    sku,
    name,
    brand,
    category,
    subcategory,
    price,
    cost,
    unit_weight_g,
    pack_units,
    shelf_life_days,
    supplier_id,
    CASE WHEN version = 1 THEN to_timestamp_micros(0) ELSE began_at END AS valid_from,
    next_at AS valid_to,
    next_at IS NULL AS current,
    CASE WHEN version = 1 THEN DATE '1970-01-01' ELSE began_on END AS valid_from_date,
    next_on AS valid_to_date
FROM versions
