-- Ways to pay that receipts name.
SELECT DISTINCT
    natural_key(coalesce(payment_method, 'unknown')) AS payment_method_key,
    coalesce(payment_method, 'unknown') AS payment_method
FROM raw.pos_transactions
