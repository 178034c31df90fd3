-- Kinds of customers that receipts name.
SELECT DISTINCT
    natural_key(coalesce(customer_type, 'unknown')) AS customer_type_key,
    coalesce(customer_type, 'unknown') AS customer_type
FROM raw.pos_transactions
