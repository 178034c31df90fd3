-- When the lot of a line expires, as the store knew it at the sale. Null where the till read no
-- lot, where the store knew no such lot, and in lines from before this column.
ALTER TABLE ops.pos_transaction_items ADD COLUMN expiry_date date;
