// The streams over WebSocket: connects again by itself, and goes on from where it was.

const FIRST_PAUSE = 500; // ms, doubled with each failure
const LONGEST_PAUSE = 30_000;
const STEADY = 10_000; // a connection that lasted so long was a good one
const SILENCE = 12_000; // after which a sign of life is asked for; and after as long again it is taken for dead
const LOOK = 3_000;

/** The pause before the next attempt, in ms: longer with each failure, and never the same for everybody. */
export function pause(failures, random = Math.random) {
  const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 16));
  return most * (0.5 + random() / 2);
}

/**
 * `wanted` are subscriptions, `token` gives the token or null. `on` is told:
 * `state(name, until)` of connecting, live, waiting (until then, in ms) and locked (without a token that is right);
 * `news(stream, items, isAll, ts)`; `begun(isSameRun)` when all is subscribed to.
 */
export class Socket {
  constructor(address, wanted, token, on) {
    this.address = address;
    this.wanted = wanted;
    this.token = token;
    this.on = on;
    this.seen = new Map(); // by stream, the number of the last change
    this.epoch = null;
    this.failures = 0;
    this.state = "";
    setInterval(() => this.#look(), LOOK);
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  /** Connects, unless it is connected. */
  connect() {
    clearTimeout(this.timer);
    this.#drop();
    this.#is("connecting");
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.heard = Date.now();
    this.opened = 0;
    socket.onmessage = (event) => socket === this.socket && this.#hear(JSON.parse(event.data));
    socket.onclose = () => socket === this.socket && this.#ended();
  }

  /** Waits no longer for the next attempt. */
  hurry() {
    if (this.state === "waiting") this.connect();
  }

  #is(state, until = 0) {
    this.state = state;
    this.on.state(state, until);
  }

  #drop() {
    if (!this.socket) return;
    const socket = this.socket;
    this.socket = null;
    socket.close();
  }

  #ended() {
    this.socket = null;
    if (this.state === "locked") return;
    if (this.opened && Date.now() - this.opened > STEADY) this.failures = 0;
    const wait = pause(this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), wait);
    this.#is("waiting", Date.now() + wait);
  }

  #hear(message) {
    this.heard = Date.now();
    switch (message.type) {
      case "hello":
        this.#greeted(message);
        break;
      case "authorized":
        this.#subscribe();
        break;
      case "snapshot":
      case "update":
        this.seen.set(message.stream, message.number);
        this.on.news(message.stream, message.data, message.type === "snapshot", message.ts);
        break;
      case "error":
        this.#refused(message);
    }
  }

  #greeted(hello) {
    this.opened = Date.now();
    this.isSameRun = hello.epoch === this.epoch;
    if (!this.isSameRun) this.seen.clear();
    this.epoch = hello.epoch;
    if (hello.authorized) this.#subscribe();
    else if (this.token()) this.#send({ op: "auth", token: this.token() });
    else this.#lock();
  }

  #subscribe() {
    for (const each of this.wanted) {
      const number = this.seen.get(each.stream);
      const resume = number === undefined ? {} : { resume: { epoch: this.epoch, number } };
      this.#send({ op: "subscribe", ...each, ...resume });
    }
    this.#is("live");
    this.on.begun(this.isSameRun);
  }

  #refused(error) {
    if (error.code === "token") this.#lock();
    else console.warn(`the exporter refused: ${error.message}`);
  }

  #lock() {
    this.#is("locked");
    this.#drop();
  }

  #send(message) {
    this.socket.send(JSON.stringify(message));
  }

  /** A connection can be dead without an end, as after a night's sleep. */
  #look() {
    if (!this.socket) return;
    const silent = Date.now() - this.heard;
    if (silent > 2 * SILENCE) {
      this.#drop();
      this.#ended();
    } else if (silent > SILENCE && this.socket.readyState === WebSocket.OPEN) {
      this.#send({ op: "ping" });
    }
  }
}
