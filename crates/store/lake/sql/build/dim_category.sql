-- Categories of products, present and past.
SELECT DISTINCT md5(category) AS category_key, category
FROM curated.dim_product
