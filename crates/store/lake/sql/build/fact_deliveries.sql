-- Lots that came into a warehouse on the days from $from to $to.
SELECT
    event.event_date,
    CAST(date_format(event.event_date, '%Y%m%d') AS INTEGER) AS date_key,
    event.event_at AS delivered_at,
    natural_key(event.store_id) AS store_key,
    product.product_key,
    natural_key(coalesce(product.supplier_id, 'unknown')) AS supplier_key,
    event.store_id,
    event.sku,
    event.lot_code,
    event.order_id,
    event.log_partition,
    event.log_offset,
    event.units,
    product.cost * event.units AS cost,
    event.expiry_date
FROM raw.wh_events AS event
JOIN curated.dim_product AS product
    ON product.store_id = event.store_id
    AND product.sku = event.sku
    AND event.event_at >= product.valid_from
    AND (product.valid_to IS NULL OR event.event_at < product.valid_to)
WHERE event.event_type = 'wh_in' AND event.event_date BETWEEN DATE '$from' AND DATE '$to'
