import { transportSuite } from "./suite.js";

await transportSuite("ws");
