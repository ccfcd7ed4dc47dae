// Calls arena whenever a session has come to rest. `arena hooks` writes this file, and takes it away again.
import { spawn } from "node:child_process";

const command = ["arena", "hook", "opencode"];

const RESTS = [
  "session.idle",
  "session.execution.succeeded",
  "session.execution.failed",
  "session.execution.interrupted",
];

export const arena = async () => ({
  event: async ({ event }) => {
    if (!RESTS.includes(event?.type)) return;
    try {
      const [program, ...words] = command;
      const child = spawn(program, words, { detached: true, stdio: "ignore", windowsHide: true });
      child.on("error", () => {});
      child.unref();
    } catch {
      // A tool must never stumble over its hook.
    }
  },
});
