// The counting handler of burst.py on the official TypeScript SDK, whose built package MEZON_TYPESCRIPT names.
"use strict";

const { MezonClient } = require(process.env.MEZON_TYPESCRIPT);

const OPTIONS = JSON.parse(process.argv[process.argv.length - 1]);
const WARM = OPTIONS.warm;
const TOTAL = WARM + OPTIONS.n;

const tell = (values) => process.stdout.write(`@${JSON.stringify(values)}\n`);
// CLOCK_MONOTONIC in seconds, as Python's time.monotonic().
const now = () => Number(process.hrtime.bigint()) / 1e9;
const cpu = () => {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
};

const BUSY_DAY = OPTIONS.handler === "busy";
// A busy day: how many commands there are for each reply.
const PER_SEND = 100;

let received = 0;
let commands = 0;
let clicks = 0;
let sends = 0;
let disorder = 0;
let before = 0;
const last = new Map();

async function busy(message) {
  if (String(message.sender_id) === process.env.MEZON_BOT_ID) return;
  const text = message.content.t;
  if (text.startsWith("!")) {
    const [name, most] = text.split(" ");
    if (name !== "!roll" || !Number.isInteger(Number(most))) throw new Error(text);
    commands += 1;
    if (commands % PER_SEND === 0) answer(message.channel_id, most);
  }
  await take(message);
}

async function answer(channelId, text) {
  const channel = await client.channels.fetch(channelId);
  await channel.send({ t: text });
  sends += 1;
}

async function click(event) {
  if (event.extra_data && !JSON.parse(event.extra_data).name) throw new Error(event.extra_data);
  if (event.button_id === "vote:yes" || event.button_id === "order:send") clicks += 1;
  count();
}

async function take(message) {
  const number = BigInt(message.message_id);
  if ((last.get(message.channel_id) ?? 0n) >= number) disorder += 1;
  last.set(message.channel_id, number);
  count();
}

function count() {
  received += 1;
  if (received === WARM) {
    // The bursts were built before: their ids start again.
    last.clear();
    disorder = 0;
    setTimeout(() => {
      before = cpu();
      tell({ ready: true });
    }, OPTIONS.settle * 1000);
  } else if (received === TOTAL) {
    const done = now();
    tell({ done });
    // The last replies are under way.
    const end = () => {
      tell({ done, cpu: cpu() - before, disorder, commands, clicks, sends });
      setTimeout(() => process.exit(0), 100);
    };
    setTimeout(end, BUSY_DAY ? 2000 : 0);
  }
}

const client = new MezonClient({
  botId: process.env.MEZON_BOT_ID,
  token: process.env.MEZON_API_KEY,
  host: process.env.MEZON_HOST,
  port: process.env.MEZON_PORT,
  useSSL: false,
  mmnApiUrl: process.env.MEZON_MMN_API_URL,
  zkApiUrl: process.env.MEZON_ZK_API_URL,
  agentEventUrl: "",
});
client.onChannelMessage(BUSY_DAY ? busy : take);
if (BUSY_DAY) client.onMessageButtonClicked(click);
client.login().then(
  () => tell({ online: true }),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
