-- Suppliers, as they were declared last; those that only products name; and the unknown one.
WITH declared AS (
    SELECT
        supplier_id, name, lead_minutes,
        ROW_NUMBER() OVER (PARTITION BY supplier_id ORDER BY event_at DESC, log_offset DESC) AS newest
    FROM raw.suppliers
),
known AS (
    SELECT supplier_id, name, lead_minutes FROM declared WHERE newest = 1
),
named AS (
    SELECT DISTINCT supplier_id FROM curated.dim_product WHERE supplier_id IS NOT NULL
)
SELECT natural_key(supplier_id) AS supplier_key, supplier_id, name, lead_minutes
FROM known
UNION ALL
SELECT natural_key(named.supplier_id), named.supplier_id, named.supplier_id AS name, NULL
FROM named LEFT ANTI JOIN known ON named.supplier_id = known.supplier_id
UNION ALL
SELECT natural_key('unknown'), 'unknown', 'unknown' AS name, NULL
