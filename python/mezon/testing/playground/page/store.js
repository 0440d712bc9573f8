// The state of the page, and how events change it. This module does not access the document.
const FRAMES = 2000;
const LOGS = 300;

export const state = {
  status: "connecting",
  world: { clans: [], dms: [], users: [], bots: [], menus: [] },
  clients: {},
  client: "web",
  chosen: false,
  messages: new Map(),
  frames: [],
  reports: [],
  stats: {},
  connected: 0,
  gateway: "",
  bot: null,
  typing: null,
  tabs: [],
  active: 0,
  unread: new Set(),
  pane: "chat",
  panel: "frames",
  replyTo: null,
  editing: null,
  notice: null,
  dialog: null,
};

export const channels = () => [
  ...state.world.clans.flatMap((clan) => clan.channels.map((channel) => ({ ...channel, clan: clan.name }))),
  ...state.world.dms.map((dm) => ({ ...dm, dm: true })),
];
export const tab = () => state.tabs[state.active] ?? { user: "", channel: "" };
export const user = (id) => state.world.users.find((one) => one.id === id);
export const anybody = (id) => user(id) ?? state.world.bots.find((one) => one.id === id);
export const channel = (id) => channels().find((one) => one.id === id);
export const dmMember = (dm) => user(dm.members.find((id) => user(id)));
// Whether a client draws a component. Mirrors mezon.testing.profiles, which sends the facts.
export const draws = (client, type, place) => {
  const facts = state.clients[client];
  if (!facts) return true;
  if (place === "button" || place === "shape") return facts.field_buttons;
  return (place === "field" ? facts.fields : facts.rows).includes(type);
};
export const profile = () => state.clients[state.client] ?? {};
export const find = (id) => {
  for (const messages of state.messages.values()) {
    const message = messages.find((one) => one.id === id);
    if (message) return message;
  }
  return null;
};

function put(message) {
  const messages = state.messages.get(message.channel) ?? [];
  const at = messages.findIndex((one) => one.id === message.id);
  if (at >= 0) messages[at] = message;
  else {
    messages.push(message);
    for (const one of state.tabs) {
      if (one.channel === message.channel && one !== tab()) state.unread.add(one.user + one.channel);
    }
    if (!state.tabs.some((one) => one.channel === message.channel)) state.unread.add(message.channel);
  }
  state.messages.set(message.channel, messages);
  if (message.bot) state.typing = null;
}

export function take(event) {
  switch (event.event) {
    case "hello":
      Object.assign(state, {
        world: event.world, frames: event.frames, reports: event.reports, stats: event.stats,
        connected: event.connected, gateway: event.gateway, bot: event.bot, messages: new Map(),
        clients: event.clients, client: state.client in event.clients && state.chosen ? state.client : event.client,
      });
      for (const message of event.messages) put(message);
      state.unread.clear();
      break;
    case "world": state.world = event.world; break;
    case "message": put(event.message); break;
    case "frame":
      state.frames.push(event.frame);
      if (state.frames.length > FRAMES) state.frames.splice(0, state.frames.length - FRAMES);
      break;
    case "connected": state.connected = event.live; break;
    case "typing": state.typing = event; break;
    case "report":
      if (event.report.kind === "stats") state.stats = event.report;
      else {
        if (event.report.kind === "started") state.stats = {};
        state.reports.push(event.report);
        if (state.reports.length > LOGS) state.reports.shift();
      }
      break;
    case "new":
      Object.assign(state, { messages: new Map(), frames: [], reports: [], replyTo: null, editing: null });
      state.unread.clear();
      break;
  }
}

// The user and the channel are in the URL, so that each browser tab has its own.
export function fromHash() {
  const [name, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
  const label = rest.join("/");
  const who = state.world.users.find((one) => one.username === name) ?? state.world.users[0];
  const known = channels();
  const where = known.find((one) => (one.dm ? "@" : "") + one.label === label) ?? known[0];
  if (who && where) show(who.id, where.id);
}

export function show(userId, channelId) {
  let at = state.tabs.findIndex((one) => one.user === userId && one.channel === channelId);
  if (at < 0) at = state.tabs.push({ user: userId, channel: channelId }) - 1;
  state.active = at;
  state.unread.delete(userId + channelId);
  state.unread.delete(channelId);
  state.replyTo = state.editing = null;
  const where = channel(channelId);
  const name = user(userId)?.username ?? "";
  if (where) history.replaceState(null, "", `#${name}/${where.dm ? "@" : ""}${where.label}`);
}

export function closeTab(at) {
  if (state.tabs.length < 2) return;
  state.tabs.splice(at, 1);
  const next = state.tabs[Math.min(state.active > at ? state.active - 1 : state.active, state.tabs.length - 1)];
  show(next.user, next.channel);
}
