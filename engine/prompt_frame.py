"""The frame around a question: what the hypernetwork was trained with is what the model must be asked with.

Texts only: training and answering tokenise them each with their own tokenizer. Control tokens are recognised
in these texts alone, never in a note or a question.
"""

SYSTEM_TEXT = "Answer from the user's notes."
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
NEXT_TURN = f"{TURN_END}\n{TURN_START}"

SYSTEM_TURN = f"system\n{SYSTEM_TEXT}"
USER_ROLE = "user\n"
ASSISTANT_ROLE = "assistant\n"
