-- What each store sold in the last 7 days of the facts, with its rank by revenue.
--
-- store_id text: The store.
-- name text: Its name for people.
-- receipts bigint: Receipts.
-- customers bigint: Known customers who paid.
-- units bigint: Units sold, less those that came back.
-- revenue numeric: What they came to.
-- profit numeric: Revenue less cost, of the lines whose cost is known.
-- average_basket double precision: Revenue by receipts.
-- revenue_rank bigint: Its rank by revenue, from 1.
WITH sold AS (
    SELECT
        sale.store_id,
        MAX(store.name) AS name,
        COUNT(DISTINCT sale.receipt_id) AS receipts,
        COUNT(DISTINCT sale.customer_id) AS customers,
        SUM(sale.units) AS units,
        SUM(sale.revenue) AS revenue,
        SUM(sale.profit) AS profit
    FROM curated.fact_sales AS sale
    JOIN curated.dim_store AS store ON store.store_key = sale.store_key
    WHERE sale.event_date > (SELECT MAX(event_date) FROM curated.fact_sales) - INTERVAL '7 days'
    GROUP BY sale.store_id
)
SELECT
    sold.*,
    CAST(revenue AS DOUBLE) / nullif(receipts, 0) AS average_basket,
    DENSE_RANK() OVER (ORDER BY revenue DESC) AS revenue_rank
FROM sold
