/** What somebody may do, from the least to everything. */
export const ROLES = ["reader", "staff", "manager", "admin"] as const;
