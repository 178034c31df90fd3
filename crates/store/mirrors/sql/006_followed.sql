-- What a follower has taken is in the log of one chain, as long as that log reaches as far as it
-- did when it was noted: a log that was put back from an older copy lacks what came after it.
-- Notes without a chain are of before chains had names: the first one that comes has them.
ALTER TABLE config.followed
    ADD COLUMN chain text NOT NULL DEFAULT '',
    ADD COLUMN log_ends bigint[] NOT NULL DEFAULT '{}',
    DROP CONSTRAINT followed_pkey,
    ADD PRIMARY KEY (follower, chain, store_id);
