-- Stores, as they were declared last.
SELECT
    natural_key(store_id) AS store_key,
    store_id,
    name,
    time_zone,
    opened_at
FROM (
    SELECT
        store_id,
        name,
        time_zone,
        MIN(event_at) OVER (PARTITION BY store_id) AS opened_at,
        ROW_NUMBER() OVER (PARTITION BY store_id ORDER BY log_offset DESC) AS newest
    FROM raw.stores
)
WHERE newest = 1
