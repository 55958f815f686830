-- What runs as the owner of the schema calls nothing that another role could have put in the place of PostgreSQL's own.
create or replace function oee_add_partition(day date) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  part  text := pg_catalog.concat('sample_', pg_catalog.to_char(day::timestamp, 'YYYYMMDD'));
  lower timestamptz := pg_catalog.timezone('UTC'::text, day::timestamp);
  upper timestamptz := pg_catalog.timezone('UTC'::text, (day operator(pg_catalog.+) 1)::timestamp);
begin
  if pg_catalog.to_regclass(part) is not null then return false; end if;
  lock table sample_default in access exclusive mode;
  execute pg_catalog.format('create table %I (like sample including defaults)', part);
  execute pg_catalog.format(
    'with moved as (delete from sample_default where ts >= %L and ts < %L returning *) insert into %I select * from moved', lower, upper, part);
  execute pg_catalog.format('alter table sample attach partition %I for values from (%L) to (%L)', part, lower, upper);
  return true;
end $$;

create or replace function oee_drop_partition(part text) returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if part operator(pg_catalog.!~) '^sample_[0-9]{8}$' then raise exception '% is no partition of sample', part; end if;
  execute pg_catalog.format('drop table %I', part);
end $$;
