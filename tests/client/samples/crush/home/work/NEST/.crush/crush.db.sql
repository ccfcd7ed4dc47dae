pragma journal_mode = wal;
create table sessions (id text primary key, parent_session_id text, title text not null, message_count integer not null default 0,
  prompt_tokens integer not null default 0, completion_tokens integer not null default 0, cost real not null default 0.0,
  updated_at integer not null, created_at integer not null, summary_message_id text, todos text);
create table files (id text primary key, session_id text not null, path text not null, content text not null, version integer not null default 0,
  created_at integer not null, updated_at integer not null);
create table messages (id text primary key, session_id text not null, role text not null, parts text not null default '[]', model text,
  created_at integer not null, updated_at integer not null, finished_at integer, provider text, is_summary_message integer not null default 0);
insert into sessions values ('c-1', null, 'CANARY title', 5, 90000, 800, 0.42, 1772964060, 1772964000, null, 'CANARY');
insert into sessions values ('title-c-1', 'c-1', 'CANARY title', 0, 10, 5, 0.01, 1772964001, 1772964001, null, null);
insert into sessions values ('call-1', 'c-1', 'CANARY agent', 2, 5000, 90, 0.12, 1772964050, 1772964040, null, null);
insert into files values ('f1', 'c-1', '/home/dev/NEST/a.py', 'CANARY content', 0, 1772964010, 1772964010);
insert into messages (id, session_id, role, parts, model, provider, created_at, updated_at) values
  ('m1', 'c-1', 'user', '[{"type":"text","data":{"text":"CANARY please"}}]', null, null, 1772964000, 1772964000),
  ('m2', 'c-1', 'assistant', '[{"type":"tool_call","data":{"name":"bash","input":"CANARY"}}]', 'claude-sonnet-4-5', 'anthropic', 1772964002, 1772964002),
  ('m3', 'c-1', 'tool', '[{"type":"tool_result","data":{"content":"CANARY"}}]', null, null, 1772964003, 1772964003),
  ('m4', 'c-1', 'user', '[{"type":"text","data":{"text":"CANARY and"}}]', null, null, 1772964030, 1772964030),
  ('m5', 'c-1', 'assistant', '[{"type":"text","data":{"text":"CANARY"}}]', 'claude-sonnet-4-5', 'anthropic', 1772964060, 1772964060),
  ('m6', 'call-1', 'user', '[{"type":"text","data":{"text":"CANARY"}}]', null, null, 1772964040, 1772964040),
  ('m7', 'call-1', 'assistant', '[{"type":"text","data":{"text":"CANARY"}}]', 'claude-haiku-4-5', 'anthropic', 1772964050, 1772964050);
