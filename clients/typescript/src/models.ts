/** The JSON of the API, under the names that the docs use. */

import type { components } from "./generated.js";

type Schemas = components["schemas"];

export type StoredObject = Schemas["ObjectOut"];
export type CreatedObject = Schemas["CreatedOut"];
export type Event = Schemas["EventOut"];
export type Problem = Schemas["ProblemOut"];
