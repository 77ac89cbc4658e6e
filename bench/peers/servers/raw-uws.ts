/** uWebSockets.js with nothing on top: its own topics, one frame a message, and a POST handler. */
import { App } from "uWebSockets.js";
import { ANSWER, BATCH, ECHO, forEachOfBatch, PUBLISH, SUBSCRIBE, topicOf, UNSUBSCRIBE } from "../raw-frames.js";
import { freePort } from "../process.js";

/** One socket's backlog is 512: thousands that dial at once would wait for their SYN to be repeated. */
const LISTEN_SOCKETS = 8;
/** By default it drops without a word what a subscriber has more than 64 KiB of waiting. */
const MAX_BACKPRESSURE = 64 * 1024 * 1024;
const CREATED = '{"stored":true}';

const app = App();
const answer = new Uint8Array([ANSWER]);
const subscribed = new Uint8Array([SUBSCRIBE]);
const unsubscribed = new Uint8Array([UNSUBSCRIBE]);

app.ws("/*", {
  // No compression, as is its default.
  maxPayloadLength: 16 * 1024 * 1024,
  maxBackpressure: MAX_BACKPRESSURE,
  closeOnBackpressureLimit: true,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  message: (socket, message) => {
    const frame = Buffer.from(message);
    switch (frame[0]) {
      case ECHO:
        socket.send(answer, true);
        break;
      case PUBLISH:
        app.publish(topicOf(frame), message, true);
        break;
      case BATCH:
        forEachOfBatch(frame, (publish) => app.publish(topicOf(frame), publish, true));
        break;
      case SUBSCRIBE:
        socket.subscribe(topicOf(frame));
        socket.send(subscribed, true);
        break;
      case UNSUBSCRIBE:
        socket.unsubscribe(topicOf(frame));
        socket.send(unsubscribed, true);
        break;
      default:
        socket.end(1002);
    }
  },
});

app.post("/*", (response) => {
  const pieces: Buffer[] = [];
  response.onAborted(() => pieces.splice(0));
  response.onData((piece, isLast) => {
    // The memory of a piece is the library's; one that is the whole body needs no copy.
    if (!isLast || pieces.length > 0) pieces.push(Buffer.from(piece.slice(0)));
    if (!isLast) return;
    response.writeStatus("201 Created").writeHeader("Content-Type", "application/json").end(CREATED);
  });
});

const port = await freePort();
let listening = 0;
for (let count = 0; count < LISTEN_SOCKETS; count++) {
  app.listen("127.0.0.1", port, (socket) => {
    if (socket !== false) listening++;
  });
}
if (listening < LISTEN_SOCKETS) throw new Error(`Port ${port} was taken by somebody else.`);
console.log(`port ${port}`);
