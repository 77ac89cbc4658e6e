/** The door of the sequencer. */
export { LocalSequencer } from "./local/local-sequencer.js";
export type { Sequencer } from "./port.js";
