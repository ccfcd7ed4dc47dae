pragma journal_mode = wal;
create table schema_version (version integer primary key, applied_at timestamp default current_timestamp);
create table sessions (
  id text primary key, name text not null default '', description text not null default '', user_set_name boolean default false,
  session_type text not null default 'user', working_dir text not null, created_at timestamp default current_timestamp,
  updated_at timestamp default current_timestamp, extension_data text default '{}',
  total_tokens integer, input_tokens integer, output_tokens integer, cache_read_tokens integer, cache_write_tokens integer,
  accumulated_total_tokens integer, accumulated_input_tokens integer, accumulated_output_tokens integer,
  accumulated_cache_read_tokens integer, accumulated_cache_write_tokens integer, accumulated_cost real,
  schedule_id text, recipe_json text, user_recipe_values_json text, provider_name text, model_config_json text,
  goose_mode text not null default 'auto', archived_at timestamp, project_id text, parent_session_id text);
create table messages (
  id integer primary key autoincrement, message_id text, session_id text not null references sessions(id), role text not null,
  content_json text not null, created_timestamp integer not null, timestamp timestamp default current_timestamp, tokens integer, metadata_json text);
insert into sessions (id, name, description, working_dir, created_at, updated_at, accumulated_total_tokens, accumulated_input_tokens,
  accumulated_output_tokens, accumulated_cache_read_tokens, accumulated_cache_write_tokens, accumulated_cost, recipe_json, provider_name, model_config_json)
values ('20260307_1', 'CANARY name', 'CANARY description', '/home/dev/NEST', '2026-03-07 11:00:00', '2026-03-07 11:30:00',
  125005, 124611, 394, 112820, 11777, 0.25, '{"prompt":"CANARY"}', 'anthropic', '{"model_name":"claude-sonnet-4-5","toolshim":false,"secret":"CANARY"}');
insert into sessions (id, session_type, working_dir, created_at, updated_at, accumulated_total_tokens, accumulated_input_tokens,
  accumulated_output_tokens, provider_name, model_config_json, parent_session_id)
values ('20260307_2', 'sub_agent', '/home/dev/NEST', '2026-03-07 11:10:00', '2026-03-07 11:12:00', 1150, 1000, 100, 'google',
  '{"model_name":"gemini-2.5-pro"}', '20260307_1');
insert into sessions (id, working_dir, created_at, updated_at) values ('20260307_3', '/home/dev/NEST', '2026-03-07 12:00:00', '2026-03-07 12:00:00');
insert into messages (session_id, role, content_json, created_timestamp) values
  ('20260307_1', 'user', '[{"type":"text","text":"CANARY please"}]', 1772881200),
  ('20260307_1', 'assistant', '[{"type":"toolRequest","id":"t","toolCall":{"value":{"name":"developer__shell","arguments":{"command":"CANARY"}}}}]', 1772881201),
  ('20260307_1', 'user', '[{"type":"toolResponse","id":"t","toolResult":{"value":"CANARY"}}]', 1772881202);
