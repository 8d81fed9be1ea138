/** Sends GraphQL over HTTP, and types its answers. */
export interface GraphqlAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: the shape depends on the query of the test
  readonly data?: any;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions?: { readonly code?: string };
  }[];
}

export const postGraphql = (url: string, body: BodyInit, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { method: "POST", ...init, headers: { "content-type": "application/json", ...init.headers }, body });
