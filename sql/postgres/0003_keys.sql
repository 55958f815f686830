-- Ground for time partitions: their key must hold the time. The id of an event names its start, so (id, ts_start) is as unique as id.
alter table events drop constraint events_pkey;
alter table events add primary key (id, ts_start);

-- The start of the bucket an instant lies in; buckets count from 1970.
create function oee_bucket(t timestamptz, width_us bigint) returns timestamptz language sql immutable strict parallel safe
  as $$ select date_bin(width_us * interval '1 microsecond', t, timestamptz '1970-01-01 00:00:00+00') $$;
