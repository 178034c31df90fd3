-- Categories of products, present and past.
SELECT DISTINCT natural_key(category) AS category_key, category
FROM curated.dim_product
