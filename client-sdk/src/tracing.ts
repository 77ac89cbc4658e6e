/** The option `debug`: everything that passes the codec and the transport, told to a listener. */
import type { Codec } from "./codec.js";
import type { DebugEvent } from "./debug-event.js";
import type { Transport } from "./transport/port.js";

/** The same codec and transport, which tell what passes. A token is left out. */
export function traced(
  codec: Codec,
  transport: Transport,
  tell: (event: DebugEvent) => void,
): { readonly codec: Codec; readonly transport: Transport } {
  return {
    codec: {
      ...codec,
      encode: (operation, body) => {
        tell({ type: "sent", operation: "token" in operation ? { op: operation.op, id: operation["id"] } : operation });
        return codec.encode(operation, body);
      },
      decode: (data) => {
        const frame = codec.decode(data);
        if (frame !== undefined) tell({ type: "received", frame });
        return frame;
      },
    },
    transport: (url, subprotocol, handler) => {
      tell({ type: "dialing", url });
      return transport(url, subprotocol, {
        received: (data) => handler.received(data),
        closed: (code, reason) => {
          tell({ type: "closed", code, reason });
          handler.closed(code, reason);
        },
      });
    },
  };
}
