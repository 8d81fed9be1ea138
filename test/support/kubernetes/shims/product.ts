/** The answers of the product that the scripts ask for, in place of pods that run nothing. */
export const PRODUCT = {
  "/healthz": new Response("ok"),
  "/health": Response.json({ status: "healthy" }),
  "/api/v1/gpus": Response.json({ gpus: [], total: 24, next: null }),
} as const;
