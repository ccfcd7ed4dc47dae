// The same for OpenCode 2, whose plugins read the events themselves. `arena hooks` writes and removes this file too.
import { arena } from "../arena.js";

export default {
  id: "arena",
  setup: async (context) => {
    const { event } = await arena();
    const events = context.event.subscribe()[Symbol.asyncIterator]();
    const follow = async () => {
      for (let next = await events.next(); !next.done; next = await events.next()) await event({ event: next.value });
    };
    follow().catch(() => {});
    return async () => {
      await events.return?.();
    };
  },
};
