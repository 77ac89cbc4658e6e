// Subscribes with nothing but a WebSocket library and docs/protocol.md: prints offset and data of everything in "greetings".
import WebSocket from "ws";

const socket = new WebSocket("ws://127.0.0.1:7447/v1/ws", "ringcast.v1.json");
socket.on("message", (bytes) => {
  const frame = JSON.parse(bytes.toString());
  if (frame.op === "welcome") {
    socket.send(JSON.stringify({ op: "subscribe", id: 1, topic: "greetings", from: "earliest" }));
  } else if (frame.op === "messages") {
    for (const { offset, data } of frame.messages) console.log(offset, JSON.stringify(data));
  } else if (frame.op === "gap" || frame.op === "error") {
    console.error(JSON.stringify(frame));
  }
});
