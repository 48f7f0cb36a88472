"""Error codes that requests are refused with: HTTP status and words.

Sources: Twilio's error dictionary (www.twilio.com/docs/errors/<code>); the status of 21710 and
21712 from answers quoted in public code. The words are close to Twilio's, not the same: nothing may
hang on them.
"""

from __future__ import annotations

CODES: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid or missing parameter"),
    20002: (400, "Invalid FriendlyName"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20008: (403, "Resource not accessible with Test Account Credentials"),
    20009: (409, "Cannot delete message because delivery is not complete"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid From Number"),
    21402: (400, "Invalid Url"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region of the 'To' number",
    ),
    21421: (400, "PhoneNumber is invalid"),
    21422: (400, "PhoneNumber is not available"),
    21452: (400, "No phone numbers found in area code"),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' or 'MessagingServiceSid' parameter is required"),
    21604: (400, "A 'To' phone number is required"),
    21606: (400, "The 'From' number is not a valid message-capable number of this account"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "Message cannot be sent with the current combination of 'To' and 'From'"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21619: (400, "A text message body or media urls must be specified"),
    21620: (400, "Invalid media URL(s)"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21624: (400, "Invalid validity period value"),
    21635: (400, "'To' number cannot be a landline"),
    21659: (400, "'From' is not a Twilio phone number"),
    21660: (400, "Mismatch between the 'From' number and the account"),
    21661: (400, "'From' number is not SMS-capable"),
    21701: (400, "The messaging service does not exist"),
    21703: (400, "The messaging service has no number that can send this"),
    21704: (400, "The messaging service contains no phone numbers"),
    21705: (400, "The messaging service sid is invalid"),
    21710: (409, "Phone Number or Short Code is already in the Messaging Service"),
    21712: (409, "Phone Number or Short Code is associated with another Messaging Service"),
    21714: (400, "Messaging Service Number Pool size limit reached"),
    35111: (400, "SendAt is missing"),
    35114: (400, "SendAt must be later and within the allowed time"),
    35118: (400, "MessagingServiceSid is required to schedule a message"),
}

# Codes with their own refusal for a field that breaks its rule; anything else is 20001.
OF_FIELD = {
    "From": 21212, "To": 21211, "MessagingServiceSid": 21705, "MediaUrl": 21620,
    "StatusCallback": 21609, "ValidityPeriod": 21624, "SmsUrl": 21402, "VoiceUrl": 21402,
    "SmsFallbackUrl": 21402, "VoiceFallbackUrl": 21402, "PhoneNumber": 21421,
    "FriendlyName": 20002,
}  # fmt: skip

# What a text ends with when its number is one of the account's test numbers: To, and From.
MAGIC_TO = {
    "+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610,
    "+15005550009": 21614,
}  # fmt: skip
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_GOOD = "+15005550006"
MAGIC_BUY = {"+15005550000": 21422, "+15005550001": 21421}
