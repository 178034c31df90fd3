-- Each row of a product's history holds until the next one begins, and the last one holds.
SELECT store_id, sku, valid_to FROM (
    SELECT
        store_id, sku, valid_to, current,
        LEAD(valid_from) OVER (PARTITION BY store_id, sku ORDER BY valid_from, valid_to) AS next_from
    FROM curated.dim_product
)
WHERE (valid_to IS DISTINCT FROM next_from) OR current <> (valid_to IS NULL)
