-- Partitions belong to the owner of the schema; a writer that is not the owner adds and drops them, and makes nothing else.
alter function oee_add_partition(date) security definer set search_path = public, pg_temp;
revoke all on function oee_add_partition(date) from public;

create function oee_drop_partition(part text) returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if part !~ '^sample_[0-9]{8}$' then raise exception '% is no partition of sample', part; end if;
  execute format('drop table %I', part);
end $$;
revoke all on function oee_drop_partition(text) from public;
