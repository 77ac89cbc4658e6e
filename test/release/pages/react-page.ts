/** A page of React components over a hub whose address stands behind the `#` of its own. */
import { connect } from "@ringcast/client/json";
import { RingcastProvider, useConnectionState, useHub, useLatest, useTopic } from "@ringcast/client/react";
import { createElement as h, StrictMode, useState, type ReactElement } from "react";
import { createRoot } from "react-dom/client";

interface Topics {
  orders: number;
  prices: { value: number };
}

function Orders(): ReactElement {
  const { messages, gaps, status, error } = useTopic(useHub<Topics>(), "orders", { from: "earliest", limit: 50 });
  return h(
    "section",
    {
      id: "orders",
      "data-status": status,
      "data-gaps": gaps.length,
      "data-error": error === undefined ? "" : "failed",
    },
    messages.map(({ offset }) => offset).join(" "),
  );
}

function Price(): ReactElement {
  const { message, status } = useLatest(useHub<Topics>(), "prices");
  return h("output", { id: "price", "data-status": status }, message?.data.value);
}

function Broken(): ReactElement {
  const { status, error } = useTopic(useHub(), "not a topic");
  return h("output", { id: "broken", "data-status": status }, (error as { code?: string } | undefined)?.code);
}

function App(): ReactElement {
  const [isShown, setShown] = useState(true);
  const [renders, setRenders] = useState(0);
  const { state } = useConnectionState(useHub());
  return h(
    "main",
    { "data-state": state },
    h("button", { id: "toggle", onClick: () => setShown(!isShown) }, "toggle"),
    h("button", { id: "render", onClick: () => setRenders(renders + 1) }, renders),
    isShown && h(Orders),
    isShown && h(Price),
    h(Broken),
  );
}

const hub = connect<Topics>(`ws://${location.hash.slice(1)}`);
createRoot(document.querySelector("#root") as Element).render(
  h(StrictMode, undefined, h(RingcastProvider, { hub }, h(App))),
);
