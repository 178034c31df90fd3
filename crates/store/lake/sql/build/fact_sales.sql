-- Receipt lines of the days from $from to $to, each with the product as it was at that time.
SELECT
    line.event_date,
    CAST(date_format(line.event_date, '%Y%m%d') AS INTEGER) AS date_key,
    line.event_at AS sold_at,
    natural_key(line.store_id) AS store_key,
    product.product_key,
    natural_key(product.category) AS category_key,
    natural_key(product.brand) AS brand_key,
    natural_key(coalesce(line.payment_method, 'unknown')) AS payment_method_key,
    natural_key(coalesce(line.customer_type, 'unknown')) AS customer_type_key,
    line.store_id,
    line.sku,
    line.receipt_id,
    line.customer_id,
    line.log_partition,
    line.log_offset,
    line.line_no,
    line.units,
    line.unit_price,
    line.discount_percent,
    line.unit_price * line.units AS gross,
    line.total AS revenue,
    product.cost * line.units AS cost,
    line.total - product.cost * line.units AS profit
FROM raw.pos_lines AS line
JOIN curated.dim_product AS product
    ON product.store_id = line.store_id
    AND product.sku = line.sku
    AND line.event_at >= product.valid_from
    AND (product.valid_to IS NULL OR line.event_at < product.valid_to)
WHERE line.event_date BETWEEN DATE '$from' AND DATE '$to'
