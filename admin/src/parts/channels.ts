/** On which guests are written to. */
export const CHANNELS = ["EMAIL_MARKETING", "SMS_MARKETING", "WHATSAPP_MARKETING", "REVIEW_REQUEST"] as const;
export type Channel = (typeof CHANNELS)[number];
