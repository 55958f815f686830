-- The audit log is appended to by these two and nothing else: who may call them can put an entry at its end, and neither change what is there,
-- nor put one in front, nor let the numbering jump. Hashes are made by whoever has the plant's key; one that does not fit is found.

-- The end of the log, held until the transaction ends; one that is left open gives it back by itself.
create function oee_audit_end() returns table(seq bigint, hash text) language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform pg_catalog.set_config('idle_in_transaction_session_timeout', '15s', true);
  return query select h.seq, h.hash from audit_head h where h.id = 1 for update;
end $$;
revoke all on function oee_audit_end() from public;

create function oee_audit_append(
  p_seq bigint, p_hash text, p_ts timestamptz, p_actor text, p_action text, p_target text, p_detail text, p_asset text, p_origin text)
  returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update audit_head h set seq = p_seq, hash = p_hash where h.id = 1 and h.seq = p_seq - 1;
  if not found then raise exception 'entry % does not follow the last one of the audit log', p_seq; end if;
  insert into audit_log(ts, actor, action, target, detail, asset, origin, seq, hash)
    values (p_ts, p_actor, p_action, p_target, p_detail, p_asset, p_origin, p_seq, p_hash);
end $$;
revoke all on function oee_audit_append(bigint, text, timestamptz, text, text, text, text, text, text) from public;
