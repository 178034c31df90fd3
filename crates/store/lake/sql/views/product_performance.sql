-- What each product sold in the last 30 days of the facts, with its rank by revenue and by units.
--
-- sku text: The product.
-- name text: Its name for people.
-- category text: Its category.
-- brand text: Its brand.
-- units bigint: Units sold, less those that came back.
-- revenue numeric: What they came to.
-- profit numeric: Revenue less cost, of the lines whose cost is known.
-- receipts bigint: Receipts that it is on.
-- customers bigint: Known customers who bought it.
-- first_sale date: The first day on which it was sold.
-- last_sale date: The last day on which it was sold.
-- margin_percent double precision: Profit by revenue, in per cent.
-- revenue_per_receipt double precision: Revenue by receipts.
-- revenue_rank bigint: Its rank by revenue, from 1.
-- units_rank bigint: Its rank by units, from 1.
WITH sold AS (
    SELECT
        sale.sku,
        MAX(product.name) AS name,
        MAX(product.category) AS category,
        MAX(product.brand) AS brand,
        SUM(sale.units) AS units,
        SUM(sale.revenue) AS revenue,
        SUM(sale.profit) AS profit,
        COUNT(DISTINCT sale.store_id || ' ' || sale.receipt_id) AS receipts,
        COUNT(DISTINCT sale.customer_id) AS customers,
        MIN(sale.event_date) AS first_sale,
        MAX(sale.event_date) AS last_sale
    FROM curated.fact_sales AS sale
    JOIN curated.dim_product AS product ON product.product_key = sale.product_key
    WHERE sale.event_date > (SELECT MAX(event_date) FROM curated.fact_sales) - INTERVAL '30 days'
    GROUP BY sale.sku
)
SELECT
    sold.*,
    100 * CAST(profit AS DOUBLE) / nullif(CAST(revenue AS DOUBLE), 0) AS margin_percent,
    CAST(revenue AS DOUBLE) / nullif(receipts, 0) AS revenue_per_receipt,
    DENSE_RANK() OVER (ORDER BY revenue DESC) AS revenue_rank,
    DENSE_RANK() OVER (ORDER BY units DESC) AS units_rank
FROM sold
