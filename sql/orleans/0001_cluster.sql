-- Tables of Orleans' ADO.NET providers: membership of silos, grain state, reminders. The providers read their statements from OrleansQuery
-- by key; the names and types of parameters and result columns are theirs, the SQL is ours. One statement each, so each is atomic by itself.
create table OrleansQuery (
  QueryKey  varchar(64) primary key,
  QueryText text not null
);

-- Membership. The version of the whole table is the etag: who read an older one changes nothing.
create table OrleansMembershipVersionTable (
  DeploymentId varchar(150) primary key,
  Timestamp    timestamptz not null default now(),
  Version      integer not null default 0
);

create table OrleansMembershipTable (
  DeploymentId varchar(150) not null references OrleansMembershipVersionTable,
  Address      varchar(45) not null,
  Port         integer not null,
  Generation   integer not null,
  SiloName     varchar(150) not null,
  HostName     varchar(150) not null,
  Status       integer not null,
  ProxyPort    integer,
  SuspectTimes text,
  StartTime    timestamptz not null,
  IAmAliveTime timestamptz not null,
  primary key (DeploymentId, Address, Port, Generation)
);

insert into OrleansQuery values
('InsertMembershipVersionKey', $$
  with added as (insert into OrleansMembershipVersionTable(DeploymentId) values (@DeploymentId) on conflict do nothing returning 1)
  select count(*)::int from added
$$),
('UpdateIAmAlivetimeKey', $$
  update OrleansMembershipTable set IAmAliveTime = @IAmAliveTime
  where DeploymentId = @DeploymentId and Address = @Address and Port = @Port and Generation = @Generation
$$),
-- The version moves first and takes the row's lock: of two silos with the same etag one finds another version when its turn comes.
('InsertMembershipKey', $$
  with moved as (
    update OrleansMembershipVersionTable set Timestamp = now(), Version = Version + 1
    where DeploymentId = @DeploymentId and Version = @Version
    and not exists (select 1 from OrleansMembershipTable m where m.DeploymentId = @DeploymentId and m.Address = @Address and m.Port = @Port and m.Generation = @Generation)
    returning DeploymentId),
  added as (
    insert into OrleansMembershipTable(DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
    select DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime from moved
    returning 1)
  select count(*)::int from added
$$),
('UpdateMembershipKey', $$
  with moved as (
    update OrleansMembershipVersionTable set Timestamp = now(), Version = Version + 1
    where DeploymentId = @DeploymentId and Version = @Version returning DeploymentId),
  changed as (
    update OrleansMembershipTable m set Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime
    from moved where m.DeploymentId = moved.DeploymentId and m.Address = @Address and m.Port = @Port and m.Generation = @Generation
    returning 1)
  select count(*)::int from changed
$$),
('MembershipReadRowKey', $$
  select v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
  from OrleansMembershipVersionTable v
  left join OrleansMembershipTable m on m.DeploymentId = v.DeploymentId and m.Address = @Address and m.Port = @Port and m.Generation = @Generation
  where v.DeploymentId = @DeploymentId
$$),
('MembershipReadAllKey', $$
  select v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
  from OrleansMembershipVersionTable v left join OrleansMembershipTable m on m.DeploymentId = v.DeploymentId
  where v.DeploymentId = @DeploymentId
$$),
('GatewaysQueryKey', $$
  select Address, ProxyPort, Generation from OrleansMembershipTable where DeploymentId = @DeploymentId and Status = @Status and ProxyPort > 0
$$),
('DeleteMembershipTableEntriesKey', $$
  with members as (delete from OrleansMembershipTable where DeploymentId = @DeploymentId)
  delete from OrleansMembershipVersionTable where DeploymentId = @DeploymentId
$$),
-- Only the dead are forgotten (Status 6).
('CleanupDefunctSiloEntriesKey', $$
  delete from OrleansMembershipTable where DeploymentId = @DeploymentId and IAmAliveTime < @IAmAliveTime and Status = 6
$$);

-- State of grains. Hashes narrow the search, the names decide; a version that is not the newest changes nothing.
create table OrleansStorage (
  GrainIdHash            integer not null,
  GrainIdN0              bigint not null,
  GrainIdN1              bigint not null,
  GrainTypeHash          integer not null,
  GrainTypeString        varchar(512) not null,
  GrainIdExtensionString varchar(512) not null,
  ServiceId              varchar(150) not null,
  PayloadBinary          bytea,
  ModifiedOn             timestamptz not null,
  Version                integer not null,
  primary key (GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, ServiceId, GrainTypeString, GrainIdExtensionString)
);

insert into OrleansQuery values
('ReadFromStorageKey', $$
  select PayloadBinary, ModifiedOn, Version from OrleansStorage
  where GrainIdHash = @GrainIdHash and GrainTypeHash = @GrainTypeHash and GrainIdN0 = @GrainIdN0 and GrainIdN1 = @GrainIdN1
  and ServiceId = @ServiceId and GrainTypeString = @GrainTypeString and GrainIdExtensionString = coalesce(cast(@GrainIdExtensionString as varchar), '')
$$),
-- Without a version the state was never read, so there must be none yet; the provider takes an answer equal to what it had as a conflict.
('WriteToStorageKey', $$
  with added as (
    insert into OrleansStorage
    select @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainTypeHash, @GrainTypeString, coalesce(cast(@GrainIdExtensionString as varchar), ''), @ServiceId, @PayloadBinary, now(), 1
    where cast(@GrainStateVersion as integer) is null
    on conflict do nothing returning Version),
  changed as (
    update OrleansStorage set PayloadBinary = @PayloadBinary, ModifiedOn = now(), Version = Version + 1
    where GrainIdHash = @GrainIdHash and GrainTypeHash = @GrainTypeHash and GrainIdN0 = @GrainIdN0 and GrainIdN1 = @GrainIdN1
    and ServiceId = @ServiceId and GrainTypeString = @GrainTypeString and GrainIdExtensionString = coalesce(cast(@GrainIdExtensionString as varchar), '')
    and Version = cast(@GrainStateVersion as integer) returning Version)
  select coalesce((select Version from added), (select Version from changed), cast(@GrainStateVersion as integer)) as NewGrainStateVersion
$$),
('ClearStorageKey', $$
  update OrleansStorage set PayloadBinary = null, ModifiedOn = now(), Version = Version + 1
  where GrainIdHash = @GrainIdHash and GrainTypeHash = @GrainTypeHash and GrainIdN0 = @GrainIdN0 and GrainIdN1 = @GrainIdN1
  and ServiceId = @ServiceId and GrainTypeString = @GrainTypeString and GrainIdExtensionString = coalesce(cast(@GrainIdExtensionString as varchar), '')
  and Version = cast(@GrainStateVersion as integer) returning Version as NewGrainStateVersion
$$),
('DeleteStorageKey', $$
  delete from OrleansStorage
  where GrainIdHash = @GrainIdHash and GrainTypeHash = @GrainTypeHash and GrainIdN0 = @GrainIdN0 and GrainIdN1 = @GrainIdN1
  and ServiceId = @ServiceId and GrainTypeString = @GrainTypeString and GrainIdExtensionString = coalesce(cast(@GrainIdExtensionString as varchar), '')
  and Version = cast(@GrainStateVersion as integer) returning Version + 1 as NewGrainStateVersion
$$);

create table OrleansRemindersTable (
  ServiceId    varchar(150) not null,
  GrainId      varchar(150) not null,
  ReminderName varchar(150) not null,
  StartTime    timestamptz not null,
  Period       bigint not null,
  GrainHash    integer not null,
  Version      integer not null,
  primary key (ServiceId, GrainId, ReminderName)
);

insert into OrleansQuery values
('UpsertReminderRowKey', $$
  insert into OrleansRemindersTable as r values (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
  on conflict (ServiceId, GrainId, ReminderName) do update set StartTime = excluded.StartTime, Period = excluded.Period, GrainHash = excluded.GrainHash, Version = r.Version + 1
  returning Version
$$),
('ReadReminderRowsKey', $$
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable where ServiceId = @ServiceId and GrainId = @GrainId
$$),
('ReadReminderRowKey', $$
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable where ServiceId = @ServiceId and GrainId = @GrainId and ReminderName = @ReminderName
$$),
('ReadRangeRows1Key', $$
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable where ServiceId = @ServiceId and GrainHash > @BeginHash and GrainHash <= @EndHash
$$),
-- A range that runs over the end of the ring.
('ReadRangeRows2Key', $$
  select GrainId, ReminderName, StartTime, Period, Version from OrleansRemindersTable where ServiceId = @ServiceId and (GrainHash > @BeginHash or GrainHash <= @EndHash)
$$),
('DeleteReminderRowKey', $$
  with gone as (delete from OrleansRemindersTable where ServiceId = @ServiceId and GrainId = @GrainId and ReminderName = @ReminderName and Version = @Version returning 1)
  select count(*)::int from gone
$$),
('DeleteReminderRowsKey', $$
  delete from OrleansRemindersTable where ServiceId = @ServiceId
$$);
