-- Stores side by side over the last 30 days of the facts: sales, stock-outs, waste. No event tells the
-- floor area of a store: how well it uses its room is told per shelf, as a shelf is one product's place.
--
-- store_id text: The store.
-- customers bigint: Known customers who paid.
-- receipts bigint: Receipts.
-- units bigint: Units sold, less those that came back.
-- revenue numeric: What they came to.
-- profit numeric: Revenue less cost, of the lines whose cost is known.
-- average_basket double precision: Revenue by receipts.
-- shelves bigint: Products that have a shelf.
-- revenue_per_shelf double precision: Revenue by shelves.
-- receipts_per_shelf double precision: Receipts by shelves.
-- stock_out_minutes bigint: Minutes of opening time with empty shelves, of all shelves together.
-- wasted_units bigint: Units that were expired, damaged, recalled or stolen.
-- waste_cost numeric: What those had cost, where that is known.
WITH since AS (
    SELECT MAX(event_date) - INTERVAL '30 days' AS day FROM curated.fact_sales
),
sold AS (
    SELECT
        store_id,
        COUNT(DISTINCT customer_id) AS customers,
        COUNT(DISTINCT receipt_id) AS receipts,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(profit) AS profit
    FROM curated.fact_sales
    WHERE event_date > (SELECT day FROM since)
    GROUP BY store_id
),
stock AS (
    SELECT
        store_id,
        COUNT(DISTINCT sku) AS shelves,
        SUM(stock_out_minutes) AS stock_out_minutes
    FROM curated.fact_inventory
    WHERE event_date > (SELECT day FROM since)
    GROUP BY store_id
),
waste AS (
    SELECT store_id, SUM(units) AS wasted_units, SUM(cost) AS waste_cost
    FROM curated.fact_waste
    WHERE event_date > (SELECT day FROM since)
    GROUP BY store_id
)
SELECT
    sold.*,
    CAST(sold.revenue AS DOUBLE) / nullif(sold.receipts, 0) AS average_basket,
    stock.shelves,
    CAST(sold.revenue AS DOUBLE) / nullif(stock.shelves, 0) AS revenue_per_shelf,
    CAST(sold.receipts AS DOUBLE) / nullif(stock.shelves, 0) AS receipts_per_shelf,
    stock.stock_out_minutes,
    coalesce(waste.wasted_units, 0) AS wasted_units,
    waste.waste_cost
FROM sold
LEFT JOIN stock ON stock.store_id = sold.store_id
LEFT JOIN waste ON waste.store_id = sold.store_id
