-- Continuous aggregates, each from the one before, with what is not yet materialized computed on the fly. Sums and counts, not averages: they add up.
create materialized view sample_1m with (timescaledb.continuous, timescaledb.materialized_only = false) as
  select signal_id, time_bucket(interval '1 minute', ts) as bucket,
    min(value) filter (where quality >= 64) as min, max(value) filter (where quality >= 64) as max, sum(value) filter (where quality >= 64) as sum,
    count(value) filter (where quality >= 64) as n,
    first(value, ts) filter (where quality >= 64 and value is not null) as first, last(value, ts) filter (where quality >= 64 and value is not null) as last,
    count(*) as count, min(quality) as quality
  from sample group by 1, 2 with no data;

create materialized view sample_5m with (timescaledb.continuous, timescaledb.materialized_only = false) as
  select signal_id, time_bucket(interval '5 minutes', bucket) as bucket, min(min) as min, max(max) as max, sum(sum) as sum, sum(n)::bigint as n,
    first(first, bucket) filter (where n > 0) as first, last(last, bucket) filter (where n > 0) as last, sum(count)::bigint as count, min(quality) as quality
  from sample_1m group by 1, 2 with no data;

create materialized view sample_1h with (timescaledb.continuous, timescaledb.materialized_only = false) as
  select signal_id, time_bucket(interval '1 hour', bucket) as bucket, min(min) as min, max(max) as max, sum(sum) as sum, sum(n)::bigint as n,
    first(first, bucket) filter (where n > 0) as first, last(last, bucket) filter (where n > 0) as last, sum(count)::bigint as count, min(quality) as quality
  from sample_5m group by 1, 2 with no data;

-- A window of 92 days: as late as a sample may come and still be counted. The application narrows it where samples are kept for a shorter time.
select add_continuous_aggregate_policy('sample_1m', start_offset => interval '92 days', end_offset => interval '1 minute', schedule_interval => interval '1 minute');
select add_continuous_aggregate_policy('sample_5m', start_offset => interval '92 days', end_offset => interval '5 minutes', schedule_interval => interval '5 minutes');
select add_continuous_aggregate_policy('sample_1h', start_offset => interval '92 days', end_offset => interval '1 hour', schedule_interval => interval '30 minutes');
