// Loads the plugins in a folder and hands them events as OpenCode does: `node opencode.mjs VERSION FOLDER EVENT...`.
// "oldest" is version 1 at its start, where one export that is no function keeps the program from starting; "newest" is
// version 1 at its end, which prefers a default export; "second" is version 2. It exits long before a plugin's child ends.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [version, folder, ...types] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(path));
const sources = (where) => readdirSync(where).filter((name) => /\.[jt]s$/.test(name));
const input = { client: {}, project: {}, directory: "/", worktree: "/", $: () => {} };
const events = types.map((type) => ({ type, properties: { sessionID: "s" } }));

async function first(mod) {
  const value = mod.default;
  if (version === "newest" && typeof value === "object" && ("id" in value || "server" in value)) {
    return [await value.server(input)];
  }
  return Promise.all(Object.values(mod).map((plugin) => plugin(input)));
}

async function* stream() {
  yield* events;
}

if (version === "second") {
  const entries = readdirSync(folder, { withFileTypes: true });
  const modules = entries.map((entry) => join(folder, entry.name, entry.isDirectory() ? "index.js" : ""));
  for (const path of modules.filter(existsSync)) {
    const { default: plugin } = await load(path);
    if (typeof plugin !== "object" || typeof plugin.id !== "string" || typeof plugin.setup !== "function") {
      console.log(`not a plugin: ${path}`);
      continue;
    }
    const stop = await plugin.setup({ event: { subscribe: () => stream() } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await stop();
  }
} else {
  const hooks = [];
  for (const name of sources(folder)) hooks.push(...(await first(await load(join(folder, name)))));
  for (const event of events) for (const hook of hooks) hook.event?.({ event });
}
console.log("done");
