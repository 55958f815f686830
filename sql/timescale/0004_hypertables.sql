-- With TimescaleDB: chunks of one day, compressed after a week by signal, so that one signal's history is read from few blocks.
select create_hypertable('sample', by_range('ts', interval '1 day'), create_default_indexes => false, migrate_data => true);
alter table sample set (timescaledb.compress, timescaledb.compress_segmentby = 'signal_id', timescaledb.compress_orderby = 'ts');
select add_compression_policy('sample', interval '7 days');

select create_hypertable('events', by_range('ts_start', interval '1 day'), create_default_indexes => false, migrate_data => true);
alter table events set (timescaledb.compress, timescaledb.compress_segmentby = 'machine_id', timescaledb.compress_orderby = 'ts_start, id');
select add_compression_policy('events', interval '7 days');
