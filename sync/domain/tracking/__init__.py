"""Where a paper record is: on its ward, in a courier's hands, in the records room, or a question for a person."""
