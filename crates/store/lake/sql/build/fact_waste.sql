-- Units wasted on the days from $from to $to.
SELECT
    removal.event_date,
    CAST(date_format(removal.event_date, '%Y%m%d') AS INTEGER) AS date_key,
    removal.at AS wasted_at,
    natural_key(removal.store_id) AS store_key,
    product.product_key,
    removal.store_id,
    removal.sku,
    removal.lot_code,
    removal.place,
    removal.cause,
    removal.log_partition,
    removal.log_offset,
    removal.effect_no,
    removal.units,
    removal.cost
FROM ops.removals AS removal
JOIN curated.dim_product AS product
    ON product.store_id = removal.store_id
    AND product.sku = removal.sku
    AND removal.at >= product.valid_from
    AND (product.valid_to IS NULL OR removal.at < product.valid_to)
WHERE removal.cause <> 'transferred'
    AND removal.event_date BETWEEN DATE '$from' AND DATE '$to'
